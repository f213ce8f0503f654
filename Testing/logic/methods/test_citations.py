"""Every method names its paper as arXiv lists it: a reader finds it, and its authors are named rightly."""

from __future__ import annotations

from importlib import import_module

import pytest

from SemiSegLogic.methods import METHODS

PAPERS = {  # authors, words of the title, number on arXiv
    "mean_teacher": ("A. Tarvainen, H. Valpola", "Mean teachers are better role models", "1703.01780"),
    "bcp": ("Y. Bai, D. Chen, Q. Li, W. Shen, Y. Wang", "Bidirectional Copy-Paste for Semi-Supervised", "2305.00673"),
    "spcl": ("J. Peng, P. Wang, C. Desrosiers, M. Pedersoli", "Self-Paced Contrastive Learning for", "2107.13741"),
    "mn": ("P.-H. Yeung, J. Ramesh, P. Lyu, A. Namburete, J. Rajapakse",
           "3D Medical Segmentation from 2D Natural Images Pretrained Model", "2509.15167"),
    "ersr": ("L. Zhou, Z. Chen, Y. Shen et al.", "semi-supervised fetal head segmentation in ultrasound", "2508.19815"),
    "m3hl": ("Y. Liu, Z. Zhang, J. Yue, W. Guo, D. Li", "with High-Low Level Feature Consistency", "2508.03752"),
    "c3s3": ("J. He, Y. Lin, J. Chen, H. Xu, J. Zheng", "Complementary Competition and Contrastive Selection",
             "2506.07368"),
    "transmedseg": ("M. Wang, J. Li, S. Wang, L. Lan, H. Tan, L. Yang, G. Yang", "A Transferable Semantic Framework",
                    "2505.14753"),
    "medl": ("Y. He, Y. Bi, L. Li, C.-M. Pun, W. Jiao, Z. Jin", "Mutual Evidential Deep Learning", "2505.12418"),
    "cad": ("W. Xiao, Z. Xu, G. Liang, Y. Deng, Y. Xiao", "Confidence-Aware Adaptive Displacement", "2502.00536"),
}


def test_every_method_but_the_baseline_without_a_paper_of_its_own_is_listed() -> None:
    assert METHODS.keys() - PAPERS.keys() == {"supervised"}


@pytest.mark.parametrize("name", PAPERS)
def test_a_method_cites_its_paper(name: str) -> None:
    authors, title, number = PAPERS[name]
    told = str(import_module(f"SemiSegLogic.methods.{name}").__doc__).split("\n\n")[1]
    citation = " ".join(told.split())
    assert citation.startswith(f"{authors}: ")
    assert title in citation
    assert f"arXiv {number})" in citation
