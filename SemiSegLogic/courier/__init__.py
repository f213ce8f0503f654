"""The process that stands in a runner's place where a server does the work:

    python -m SemiSegLogic.courier JOB --server FILE

It sends what the order needs, hands it over, and keeps this computer's job folder like the server's: newer labels, the
case on screen and the wish to stop go there; status, curve, results and model come here. A network that is gone is
waited for, as long as it takes; what runs there goes on. A courier that was killed is followed by another (resume),
which takes up where it was. It loads neither torch nor anything else that training needs.
"""
