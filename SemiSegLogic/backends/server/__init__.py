"""Jobs on a server that shares no disk with this computer: the client's end of the wire."""
