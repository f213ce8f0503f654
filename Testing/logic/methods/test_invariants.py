"""Every invariant that the specifications of the methods list, with the tests that hold it, or the words that own up to
its absence; and those held here.

``HELD`` goes through each specification in its order. A test that is renamed or removed fails here, so that the list
stays true.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.data.volumes import load_volume
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.geometry import IGNORE, Grid
from SemiSegLogic.methods.c3s3 import Seen, supervised_terms

LOGIC = Path(__file__).resolve().parents[1]
ROOT = LOGIC.parents[1]
HELD: dict[str, list[tuple[str, str]]] = {  # what must hold; "file: test, test; file: test"
    "SPCL": [
        ("an endless age is SupCon", "engine/contrast: an_endless_age_is_the_plain_supervised_contrast"),
        ("weights fall with the loss, grow with the age, in [0, 1]",
         "engine/contrast: weights_fall_with_the_loss_grow_with_the_age_and_carry_no_gradient"),
        ("the restored loss is over the mean weight",
         "engine/contrast: restoring_divides_by_the_mean_weight_of_the_positives"),
        ("weights carry no gradient",
         "engine/contrast: weights_fall_with_the_loss_grow_with_the_age_and_carry_no_gradient"),
        ("order of samples and views", "engine/contrast: order_of_samples_and_of_views_does_not_matter"),
        ("partition", "engine/contrast: partition_rises_with_the_position_from_first_to_last"),
        ("unit rows, no diagonal",
         "engine/contrast: projections_lie_on_the_unit_sphere, a_sample_is_never_compared_with_itself"),
        ("schedule of the age", "engine/contrast: age_grows_from_first_to_last"),
        ("stage A leaves the decoder",
         "methods/spcl: pre_training_leaves_the_decoder_bit_identical_and_moves_the_encoder"),
        ("one slice of every cell", "engine/contrast: at_most_one_slice_of_every_cell_and_a_limited_number"),
        ("unjudged never supervised", "methods/spcl: what_nobody_judged_never_reaches_the_supervised_loss"),
    ],
    "M&N": [
        ("volumes to slices and back", "engine/planar: volumes_become_slices_and_volumes_again_in_the_same_order"),
        ("number of unlabelled patches", "methods/mn: unlabelled_patches_come_as_published"),
        ("learning rate", "methods/mn: rate_rises_falls_and_starts_again"),
        ("perfect and uniform answers", "methods/mn: perfect_answers_cost_nothing_and_unsure_ones_the_logarithm"),
        ("own softmax as target", "methods/mn: perfect_answers_cost_nothing_and_unsure_ones_the_logarithm"),
        ("the teacher stays, buffers too", "methods/mn: networks_take_turns_and_the_teacher_stays_as_it_is, "
         "pretrained_slice_network_takes_its_turn_and_resumes"),
        ("LoRA", "engine/segformer: adapted_network_starts_as_the_loaded_one, "
         "a_step_leaves_frozen_weights_bit_identical_and_moves_the_others, "
         "low_rank_updates_biases_norms_and_head_learn_and_nothing_else"),
        ("what does not count", "methods/mn: what_does_not_count_changes_nothing"),
        ("windows of a constant", "methods/invariants: a_constant_network_gives_its_constant_whatever_the_size"),
        ("only f3 predicts", "methods/mn: volume_network_alone_predicts"),
    ],
    "ERSR": [
        ("a known ellipse is recovered",
         "engine/ellipse: refinement_recovers_a_known_ellipse_and_leaves_its_own_result_alone"),
        ("filled, nothing far, no blob", "engine/ellipse: interior_is_filled_and_nothing_far_outside_is_kept, "
         "refinement_restores_a_bitten_mask_and_drops_a_distant_blob"),
        ("long axis, involution", "engine/ellipse: reflection_undoes_itself_and_keeps_the_axis_which_is_the_long_one"),
        ("halves add up", "engine/ellipse: halves_add_up_and_a_symmetrised_ellipse_is_the_ellipse"),
        ("mirror loss", "methods/ersr: mirror_loss_vanishes_for_a_symmetric_answer_and_not_for_a_shifted_one"),
        ("r and lambda", "methods/ersr: weight_and_kept_share_grow_as_published"),
        ("ranking of scores", "engine/ellipse: scores_rank_smooth_before_jagged_before_scattered_whatever_the_size; "
         "methods/ersr: filter_keeps_four_fifths_but_never_an_empty_or_a_full_map"),
        ("four fifths, deterministic", "methods/ersr: filter_keeps_four_fifths_but_never_an_empty_or_a_full_map; "
         "engine/ellipse: pool_is_deterministic_for_equal_scores_and_forgets_the_oldest"),
        ("odd masks", "engine/ellipse: odd_masks_are_survived"),
        ("teacher", "methods/ersr: teacher_has_no_gradient_and_equals_the_student_after_the_first_step"),
    ],
    "M3HL": [
        ("share of the mosaic, 3D too", "methods/m3hl: mosaic_exchanges_exactly_its_share_and_differs_between_samples, "
         "mosaic_masks_the_rounded_down_share_of_tiles"),
        ("tiles", "methods/m3hl: mosaic_is_constant_within_each_tile"),
        ("complementary", "methods/m3hl: mixed_images_are_complementary, "
         "student_sees_both_mosaics_and_the_teacher_whole_images"),
        ("regions", "methods/m3hl: region_loss_ignores_what_lies_outside_and_vanishes_for_a_perfect_answer"),
        ("sum of regional entropies",
         "methods/m3hl: cross_entropies_of_both_regions_weighted_by_size_are_that_of_the_image"),
        ("no feature loss between equals",
         "methods/m3hl: feature_losses_vanish_where_student_and_teacher_see_the_same"),
        ("directions only", "methods/m3hl: high_loss_looks_at_directions_only_and_survives_zeros"),
        ("teacher", "methods/m3hl: teacher_follows_by_its_decay_only"),
        ("largest pieces", "methods/m3hl: pseudo_labels_are_one_piece_per_structure_unless_told_otherwise; "
         "engine/components: component_filter_keeps_one_piece_per_class_and_image"),
        ("unjudged voxels", "methods/m3hl: unjudged_voxels_do_not_influence_the_labelled_term"),
    ],
    "C3S3": [
        ("sharpening", "methods/c3s3: sharpening_is_the_power_of_its_equation_and_keeps_the_order"),
        ("one loser, no gradient to the winner",
         "methods/c3s3: only_the_loser_learns_from_the_winner_and_by_its_equation, "
         "the_gradient_of_the_competition_reaches_one_network_only"),
        ("ties", "methods/c3s3: the_lower_score_wins_and_a_tie_goes_to_b"),
        ("ramp", "methods/c3s3: weight_of_the_pseudo_labels_rises_from_e_to_the_minus_5_to_full"),
        ("contrast on any masks", "engine/voxel_contrast: a_class_that_nobody_sees_has_no_term, "
         "any_masks_give_finite_losses, permuting_the_voxels_changes_nothing"),
        ("sign of the contrast",
         "engine/voxel_contrast: a_step_draws_agreeing_voxels_together_and_sets_foreground_from_background"),
        ("consistency", "methods/c3s3: equal_predictions_are_consistent_whatever_the_orientation"),
        ("unjudged slices; all judged is unmasked", "methods/c3s3: labels_of_unjudged_slices_are_never_read; "
         "methods/invariants: with_every_slice_judged_the_terms_are_the_unmasked_ones"),
        ("mean of both", "methods/c3s3: prediction_is_the_mean_of_both_and_ignores_the_projections"),
        ("one labelled patch", "methods/c3s3: one_labelled_patch_and_nothing_else_is_enough_for_a_step"),
    ],
    "TransMedSeg": [
        ("true class untouched, no strength is plain",
         "engine/semantic_augmentation: the_true_class_is_never_corrected, "
         "without_strength_or_statistics_it_is_plain_cross_entropy"),
        ("spread alone", "engine/semantic_augmentation: spread_alone_makes_the_loss_larger"),
        ("a bound", "engine/semantic_augmentation: it_bounds_the_mean_loss_over_drawn_augmentations"),
        ("table and voxel by voxel",
         "engine/semantic_augmentation: table_equals_the_equation_voxel_by_voxel_in_value_and_gradients"),
        ("a constant", "engine/semantic_augmentation: a_constant_added_to_all_features_changes_nothing"),
        ("statistics",
         "engine/semantic_augmentation: covariances_stay_symmetric_and_positive_and_rare_classes_untouched, "
         "statistics_without_memory_are_those_of_the_last_batch"),
        ("no gradient to buffers or teacher", "engine/semantic_augmentation: no_gradient_reaches_the_statistics; "
         "methods/transmedseg: gradients_reach_the_student_alone"),
        ("unjudged slices", "methods/transmedseg: only_judged_voxels_of_labelled_patches_count_as_true, "
         "target_statistics_leave_out_judged_voxels"),
        ("strength and weight", "methods/transmedseg: strength_and_weight_rise_from_nothing"),
        ("beta 0 is BCP", "methods/transmedseg: without_the_augmented_loss_a_step_is_that_of_bcp_bit_for_bit"),
        ("teacher", "methods/transmedseg: teacher_follows_the_student_by_its_decay"),
        ("inference", "methods/transmedseg: prediction_does_not_depend_on_the_statistics"),
    ],
    "MEDL": [
        ("opinions", "engine/evidence: an_opinion_is_never_negative_and_sums_to_one, no_evidence_is_full_uncertainty"),
        ("fusion", "engine/evidence: fusion_is_symmetric_and_sums_to_one, "
         "agreement_strengthens_the_shared_class_and_leaves_less_unknown, the_class_share_vanishes_with_many_classes"),
        ("vacuous partner", "engine/evidence: a_vacuous_partner_keeps_the_ranking_but_raises_the_doubt"),
        ("reliability", "engine/evidence: reliability_is_one_when_certain_and_zero_when_vacuous, "
         "reliability_agrees_with_its_equation_and_falls_with_uncertainty"),
        ("curriculum", "engine/evidence: curriculum_starts_with_certain_voxels_and_ends_with_uncertain_ones, "
         "curriculum_agrees_with_loops_and_has_mean_one_in_each_image"),
        ("log Fisher", "engine/evidence: log_fisher_is_the_determinant_of_the_explicit_matrix"),
        ("Fisher loss", "engine/evidence: fisher_loss_stays_finite_over_the_whole_range_of_evidence, "
         "more_evidence_for_the_right_class_costs_less"),
        ("networks apart", "methods/medl: no_gradient_reaches_the_other_network_from_a_networks_loss"),
        ("unjudged slices",
         "methods/medl: labels_of_unjudged_slices_and_logits_there_do_not_touch_the_labelled_terms"),
        ("ramp", "methods/medl: the_ramp_rises_to_the_full_weight_and_the_printed_form_has_none_on_pseudo_labels"),
    ],
    "CAD": [
        ("a sure image", "engine/displacement: a_sure_image_stays_as_it_is"),
        ("one window", "engine/displacement: changes_lie_in_one_window_that_meets_the_unsure_region"),
        ("untouched sources", "engine/displacement: what_is_pasted_is_sure_and_comes_untouched_from_the_other_view, "
         "neither_direction_changes_what_the_other_reads; "
         "methods/cad: displaced_images_are_made_both_ways_from_untouched_views"),
        ("sure sources", "engine/displacement: what_is_pasted_is_sure_and_comes_untouched_from_the_other_view"),
        ("escalation", "engine/displacement: threshold_and_window_escalate_to_their_ends"),
        ("swapped views", "methods/cad: displaced_images_are_made_both_ways_from_untouched_views"),
        ("mirrored views", "engine/displacement: mirrored_views_give_the_mirrored_outcome"),
        ("gradients", "engine/displacement: no_gradient_passes_through_the_choice; "
         "methods/cad: targets_of_the_agreement_carry_no_gradient, "
         "agreement_is_symmetric_teaches_both_and_vanishes_between_equals"),
        ("judged voxels", "engine/displacement: judged_voxels_are_never_replaced, judged_voxels_may_be_a_source"),
        ("teacher", "methods/cad: teacher_averages_the_first_student_and_gets_no_gradient"),
        ("without displacement", "methods/cad: without_displacement_a_step_is_copy_paste_with_agreement"),
        ("integral image", "engine/displacement: integral_image_means_equal_brute_force"),
    ],
}
LISTED = {"SPCL": 11, "M&N": 10, "ERSR": 10, "M3HL": 10, "C3S3": 10, "TransMedSeg": 12, "MEDL": 10, "CAD": 13}
"""How many invariants each specification lists."""
NOT_HELD = {"CAD": {"padding": "Beyond a volume's border its last voxel repeats in a patch"}}
"""The others, with the words of the method's file that own up to it."""


def names_in(name: str) -> set[str]:
    """The tests in ``engine/contrast`` and the like, in whichever folder there, without their ``test_``."""
    folder, _, stem = name.partition("/")
    (file,) = (LOGIC / folder).rglob(f"test_{stem}.py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {item.name.removeprefix("test_") for item in tree.body if isinstance(item, ast.FunctionDef)}


@pytest.mark.parametrize("paper", list(HELD))
def test_every_listed_invariant_is_held_by_tests_that_exist(paper: str) -> None:
    assert len(HELD[paper]) + len(NOT_HELD.get(paper, {})) == LISTED[paper]
    for what, where in HELD[paper]:
        for part in where.split(";"):
            file, _, names = part.strip().partition(": ")
            missing = [name for name in names.split(", ") if name not in names_in(file)]
            assert missing == [], f"{paper}: {what}"


@pytest.mark.parametrize("paper", list(NOT_HELD))
def test_what_is_not_held_is_named_in_the_methods_file(paper: str) -> None:
    text = (ROOT / "SemiSegLogic" / "methods" / f"{paper.lower()}.py").read_text(encoding="utf-8")
    assert [words for words in NOT_HELD[paper].values() if words not in text] == []


class Constant(nn.Module):
    """Logits that do not depend on the image."""

    def forward(self, image: Tensor) -> Tensor:
        """(B,1,D,H,W) -> (B,3,D,H,W)."""
        return torch.tensor([0.3, -1.0, 2.0]).view(1, 3, 1, 1, 1).expand(len(image), 3, *image.shape[2:])


@pytest.mark.parametrize("shape", [(4, 9, 7), (16, 16, 16), (40, 21, 50)])
def test_a_constant_network_gives_its_constant_whatever_the_size(shape: tuple[int, int, int]) -> None:
    device = Device(torch.device("cpu"), False, 1 << 16)  # so little memory that windows are needed
    plan = Plan(3, 0, (1.0, 1.0, 1.0), (16, 16, 16))
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    volume = load_volume("c001", image, Grid(shape), plan, device.torch)
    shares = Predictor(Constant(), plan, device).probabilities(volume)
    wanted = torch.softmax(torch.tensor([0.3, -1.0, 2.0]), 0).view(3, 1, 1, 1).expand_as(shares)
    assert shares.shape[1:] == volume.shape
    assert torch.allclose(shares, wanted, atol=1e-5)


def test_with_every_slice_judged_the_terms_are_the_unmasked_ones() -> None:
    torch.manual_seed(0)
    views = Seen(torch.randn(1, 2, 3, 4, 4), torch.zeros(0)), Seen(torch.randn(1, 2, 3, 4, 4), torch.zeros(0))
    label = torch.randint(0, 2, (1, 3, 4, 4))
    assert bool((label != IGNORE).all())
    entropy, dice = supervised_terms(views, label)
    plain = sum(nn.functional.cross_entropy(view.logits, label) for view in views)
    shares = [view.share[:, 1] for view in views]
    by_hand = sum(1 - (2 * (p * label).sum() + 1e-5) / ((p**2).sum() + label.sum() + 1e-5) for p in shares)
    assert entropy.item() == pytest.approx(float(plain), abs=1e-5)
    assert dice.item() == pytest.approx(float(by_hand), abs=1e-5)
