"""What is said of each kind of finding; a screen may have these sentences in another language."""

from __future__ import annotations

from ..study.contradictions import SENTENCES as CONTRADICTIONS

AS_IT_IS = "as_it_is"
"""The kind of a finding that brings its own words."""
SENTENCES = {
    **CONTRADICTIONS,
    "nothing_done": "No slice is done yet. Draw the structures on two or three slices, and mark these as done.",
    "no_structures": "The study has no structures yet. Add at least one, and draw it on a slice.",
    "nothing_drawn": "Nothing is drawn on any slice that is done. Draw at least one structure.",
    "hardly_drawn": "Very little is drawn of {name} (voxels: {n}, in {cases}): too little to learn from. Draw it on "
                    "several slices, or erase it if it was drawn by mistake.",
    "missing": "{name} is not drawn anywhere, so the model cannot learn it.",
    "several_missing": "Not drawn anywhere, so the model cannot learn them ({n}): {names}.",
    "in_few": "{name} is drawn in {cases} only. On slices done in other cases it counts as not there. Draw it "
              "wherever it can be seen; otherwise the model learns to leave it out.",
    "several_in_few": "Drawn in few cases ({n}): {names}. On slices done in other cases they count as not there. Draw "
                      "them wherever they can be seen; otherwise the model learns to leave them out.",
    "named_in": "{name} (in {cases})",
    "all_across": "These volumes have thick slices, or few, and are learned slice by slice, but all slices that are "
                  "done lie across them: {slices}. Draw on slices such as {example}.",
    "across": "These volumes have thick slices, or few, and are learned slice by slice. Nothing is learned from "
              "slices that lie across them: {slices}. Draw on slices such as {example}.",
    "slices_of": "{case} ({slices})",
    "amount": "Slices done: {slices}. Cases with such slices: {cases} of {all}.",
    "one_case": "The study has only one case: the model learns this image and will know little about others. Add more "
                "images; you need not draw on them.",
    "few_slices": "Slices done that show a structure: {n}. With so few, the first suggestion will be rough, and its "
                  "quality cannot be measured. Five or more, in several cases, are a good start.",
    "no_image": "The image of {name} is missing: {path}. Put it back, or say where it is now, or remove the case (in "
                "the panel: right-click it in the list).",
    "other_size": "The voxels of {name} have another size than those of the other cases ({spacing} mm); its "
                  "suggestion may be worse.",
    "full_disk": "Only {free:.1f} GB are free on the study's disk; {need:.1f} GB are needed.",
    "memory": "Training will need about {wanted:.1f} GB of memory.",
    "enough_memory": "Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB.",
    "little_memory": "Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB. Close "
                     "other programs.",
    "little_memory_for_choice": "Training will need about {wanted:.1f} GB of memory. Free on this computer: "
                                "{free:.1f} GB. Close other programs, or choose a method or settings that need less "
                                "memory.",
    "more": "and {n} more",
    AS_IT_IS: "{text}",
}  # fmt: skip
