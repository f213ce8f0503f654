<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1">
<context>
    <name>SemiSeg</name>
    <message>
        <source>SemiSeg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Draw your structures on a few slices, press &lt;i&gt;Train on my labels&lt;/i&gt;, and get a suggested segmentation of every volume in your study, and the slices that are worth a look. Everything you draw is kept in a study folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Built on 3D Slicer, PyTorch and MONAI, and on the published methods it names. Sample data: Medical Segmentation Decathlon, Task04 Hippocampus, CC BY-SA 4.0 (Simpson et al. 2019; Antonelli et al. 2022).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Documentation and tutorial</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SemiSeg needs Slicer 5.10 or newer.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SemiSegLib.controller</name>
    <message>
        <source>Open study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Create study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tidy up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add structure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>On the slices that are already done ({n}), {name} counts as not there. Where it can be seen, draw it, or press Not done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open or create a study first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Study {name}. Cases: {count}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SemiSegLib.words</name>
    <message>
        <source>If the file was moved, right-click the case in the list and choose where its image is now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Right-click the case in the list and choose &apos;Earlier versions&apos;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Press &apos;Repair the study&apos; below the list.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.adding</name>
    <message>
        <source>Some files of {name} are missing on this computer. Import the series again in the DICOM module.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.advice</name>
    <message>
        <source>Correct a slice or two of this case where the suggestion is wrong, then train again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cases with something drawn: {n} of {all}. Draw on one or two that look different.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No slice is marked &apos;Nothing here&apos; yet. Mark one just outside each end of a structure.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct another slice where the suggestion is wrong, then train again, for longer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done that show a structure: {n}. Five or more are a good start.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.dicom_seg</name>
    <message>
        <source>{file} was written, but contains something else when it is read again (voxels that differ: {n}). Do not use it; export it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The frames of the file do not match the slices of the image.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{file} cannot be read again: {error}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.exporting</name>
    <message>
        <source>Left out, because nobody has accepted their suggestions: {cases}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is not known which model made its suggestion: the record was damaged.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not accepted yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not exported:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Files written to {folder} and verified: {n}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>and {n} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>DICOM SEG of {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Verify {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A new record was started; a copy of the damaged one is kept as {file}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>verified</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.mending</name>
    <message>
        <source>{case} stays in the study: a training is using it. Stop it first, or wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} stays in the study: a model is learning from it. Untick &apos;Keep learning while I draw&apos; first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} stays in the study: a model is being used on it. Stop it first, or wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} is no longer in the study. All its files are kept in {place}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} stays in the study: it is open in another Slicer window, where somebody drew on it. Close it there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} stays in the study: the latest drawing is not saved yet. {why}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} is as it was in the version that you chose. What was there before is kept as a version.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {case} is now read from {path}, and is the same as before.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Repair the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All records of the study can be read: nothing needed repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {case} from the study?

What changes: it leaves the list, trainings no longer learn from it (slices done: {slices}), and it is no longer exported.

What stays: nothing is deleted. Everything drawn (also slices not marked as done), every version and the suggestion are moved to the folder
{removed}
If you move it back to {cases}, the case is in the study again. Models that learned from it stay as they are.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its image stays where it is: {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Comparing {name} with the image of {case} …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.results</name>
    <message>
        <source>{case} is open, but its suggestion cannot be shown. {why} Train again to replace it, or press Reject to discard it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Part of the suggestion for {case} cannot be shown. {why} Train again to replace it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reject</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.sample</name>
    <message>
        <source>SemiSeg will download {size} MB once and make a study of brain MRI volumes ({cases}) in

{folder}

In some of them ({annotated}) experts drew the hippocampus on slices ({slices} in all), so that you can press Train on my labels at once.

{licence}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>cases.showing</name>
    <message>
        <source>Load case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} stays on screen, because its drawing could not be saved: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} is also open in another Slicer window, with slices drawn there but not done: {numbers}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a case first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} cannot be opened. {error}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.annotations</name>
    <message>
        <source>axial</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>coronal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>sagittal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{numbers} and {n} more</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.casework</name>
    <message>
        <source>drawn in another window, not marked as done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as Slicer converted it</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.gone</name>
    <message>
        <source>{case} was removed from the study while it was open here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The drawing was kept in {file}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.importing</name>
    <message>
        <source>Slices that {file} covers only in part: {numbers}. The mask ends inside the image, or marks voxels as not judged (value {open}). Only whole slices can be imported. Choose slices that the mask covers completely, or first export it in Slicer with this image as the reference volume.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is drawn in {name}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing of {file} was imported, because all of it is left out. Choose a structure for at least one segment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is not a slice number. Write numbers like this: 12, 20-25.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no slice {text}; this case has 1 to {n}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.labelling</name>
    <message>
        <source>Structures overlap: {losing} lie under another structure. Here a voxel can belong to one structure only, so these voxels count as the other one. Under Masking, set &apos;Modify other segments&apos; to &apos;Overwrite all&apos;, then draw again what belongs on top.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save drawing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No view shows a whole slice. Open a case, or press Straighten views.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slice {n} has something drawn on it. Erase it first, or press Slice done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What you see here is a suggestion; you have drawn nothing on this slice. Press This slice is right to use it, Correct this slice to change it, or Nothing here if the slice shows none of the structures.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save slices</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer converted what you drew, to surfaces, to another geometry, or by hardening a transform, and outlines move by that. Nothing of it was saved: the study has what you drew. Press &apos;Bring back what I drew&apos;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not saved: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The slice could not be marked as done: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} (voxels: {n})</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>labelling.segment_list</name>
    <message>
        <source>Other cases may use this structure, so it cannot be deleted from the segment list. It was put back with everything drawn. To remove it from this case, erase what is drawn.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>structure</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.advanced</name>
    <message>
        <source>{label}: &apos;{text}&apos; is not a number; the default is {default}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{low} to {high}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.case_menu</name>
    <message>
        <source>Remove a case from the study, or choose where its image is now (you can also right-click the case)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Selected case …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click a case in the list first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {case} has moved …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Earlier versions of what was drawn in {case} …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no earlier version of this case.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open {case}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {case} from the study …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where the image is now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one file only: a case has one image.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove from the study</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.case_rows</name>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>slices drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>suggested</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>corrected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>fully drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>accepted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>probably good</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>look here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>too few labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>origin not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{share:.0%} right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Worth a look next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is {share:.0%} sure of its suggestion.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{share:.0%} sure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Agreement with the slices you have done since: {share:.0%} (Dice).</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.cases</name>
    <message>
        <source>Replaces damaged records with their good copies; drawings are not changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What will be segmented; more can be added at any time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>From files, a folder, the scene or Slicer&apos;s DICOM database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A study is a folder that keeps your cases, everything you draw, and all models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Study and cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Order by:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Repair the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>e.g. liver, lesion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Structures:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open study …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New study …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Create a study in a new, empty folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add files …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add image files to the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add folder …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder with one DICOM series</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add from scene</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a volume that is loaded in Slicer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add from DICOM …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose from the series in Slicer&apos;s DICOM database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose or make an empty folder for the new study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add images</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click a case to open it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add images to begin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>worth a look first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>least sure first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>slices done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name at least one structure first, e.g. liver, lesion.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No other volume is loaded in Slicer. Load one first, e.g. from the DICOM module.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a DICOM series</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.choices</name>
    <message>
        <source>Starts from what the last training learned: better suggestions in the same time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Small pieces far from a structure are not suggested, where your slices show the structure in one piece</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In volumes with one to three drawn slices, the model first also learns from outlines carried to the slices beside them; in the end only from what you drew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Method:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train for:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue from the last training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave out small fragments</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Carry outlines to neighbouring slices at first</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.dicom_choice</name>
    <message>
        <source>Series in Slicer&apos;s DICOM database (click the ones to add):</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>search by name or description</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add to the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reads each series as one volume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add nothing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer&apos;s DICOM database contains no series. Import files in the DICOM module, or press Add folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click the series to add.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.export</name>
    <message>
        <source>Segmentation (.seg.nrrd)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Label map (.nrrd)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>NIfTI (.nii.gz)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>DICOM SEG (.dcm)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a format, and cases that have a suggestion or are fully drawn.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A case is finished when you have accepted it, or every slice of it is done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing and checking …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cases:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>For cases that came from DICOM; refers to the original series</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the study&apos;s folder &apos;exports&apos;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writes each file, reads it back and compares</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>finished cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>all cases, accepted or not</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No case is finished yet: accept one, or draw all its slices.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export to</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.label</name>
    <message>
        <source>{when}: {note}, by {author}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Turn the views to the volume&apos;s own axes; a volume that was moved is moved back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No slice is done yet. Two or three per case are enough to begin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a case, then draw each structure on two or three slices.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>new structure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add structure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add it to the study, for all cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import mask …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take slices from an existing segmentation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slice done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All structures on this slice are drawn; what is not drawn is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This slice shows none of the structures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This slice no longer counts as done; your drawing stays</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Earlier versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All saved versions of this case; choose one to restore it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Straighten views</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No view on screen shows {plane} slices. Choose a layout with one, such as Four-Up.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saving …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Everything is saved in the study.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Done slices that were changed, too: {numbers}. Undo takes it back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bring back what I drew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is on screen was converted in Slicer, and is not quite what you drew; it is not saved.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This view does not show whole slices: it is tilted, or the volume was moved. Press Straighten views to label.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>done, nothing here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>drawn, not done yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Done:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing there:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drawn, not done:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Worth a look:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no earlier version of this case.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;{case}&lt;/b&gt;, {plane} slice &lt;b&gt;{n}&lt;/b&gt; of {count}: {state}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save drawing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save slices</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.live</name>
    <message>
        <source>A model learns from every slice you mark as done, while you draw. You can still press Train on my labels: it also learns from volumes without drawings, and tells you how good the model is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep learning while I draw</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.masks</name>
    <message>
        <source>Import</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These slices then count as done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave the case as it is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices to import:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slice direction:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>e.g. 12, 20-25</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Numbers:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Two segments of {file} have the name &apos;{name}&apos;. Rename one of them in Slicer, save, and import it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Segment in the mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Structure in the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>slices with something drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>every slice: what is empty is background</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>these slices:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>axial</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>coronal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>sagittal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;{file}&lt;/b&gt; for {case}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices imported and done: {n}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In the scene: {words}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import a mask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One mask at a time: it belongs to the case on screen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a new structure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>leave it out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is drawn in {name}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Done before (the earlier version is kept): {numbers}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.models</name>
    <message>
        <source>Make suggestions for every case with this model, without training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Make a suggestion for the case on screen with this model, without training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train with the method and time chosen above, starting from this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the model and its card to a folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove the model; suggestions and drawings stay</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Made</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Method</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Expected Dice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use on all cases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use on the open case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue training from this</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>After each training, its model is kept here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SemiSeg is already training or using a model. Stop it first, or wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete the model made on {made} by the method &apos;{method}&apos;? This cannot be undone. Suggestions and everything you drew stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the model to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a case first.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.next_step</name>
    <message>
        <source>OK</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put this message away</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checking your labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Getting ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checks the labels, then starts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next slice worth a look</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train on my labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next slice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.panel</name>
    <message>
        <source>{case} was deleted from the scene. Everything drawn is in the study; click the case to continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look for the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The scene was closed; everything drawn is in the study. Click a case to continue.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.parts</name>
    <message>
        <source>{n:.1f} h</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{n} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{n} min</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.place_choice</name>
    <message>
        <source>Where to train and use models; learning while you draw always happens on this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>server.json or cluster.json, from the person who runs it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the file that describes the server or cluster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Press Set up first: the computing environment is not ready.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Servers and clusters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a server or cluster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connecting …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a server or cluster described by a file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the file that describes the server or cluster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at the server or cluster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A small file describes it; see the documentation.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this computer ({device})</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.review</name>
    <message>
        <source>Accept the suggestion on this slice as it is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the suggestion on this slice into my labels and edit it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Jump to where the model is least sure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Everything suggested here is right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name}: {before:.3g} ml before, {after:.3g} ml now, overlap {dice:.0%}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is not known which model suggested this: its record was damaged, and a new one was started.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Review suggestions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>After training, suggestions for every case appear here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reject</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Discard the suggestion for this case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show uncertainty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show outline of previous suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This slice is right</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct this slice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next slice worth a look</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept this case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Discard the suggestion for this case? Your labels stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another case or suggestion was opened before you answered. Nothing was changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click a case to see its suggestion.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The suggestion cannot be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The suggestion is hidden. Tick &apos;Show suggestion&apos; first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This case is accepted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Suggested by the method &apos;{method}&apos;, {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is not unsure of any other slice. Train again, or accept the cases.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the slice, then press Slice done. Undo removes the copied suggestion.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept the whole suggestion for {case} as right? Slices that you drew stay as you drew them; an earlier version can be restored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model has not suggested any slices yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;What helps most&lt;/b&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;Changed since the previous suggestion&lt;/b&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt;b&gt;Why here:&lt;/b&gt; {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Others, less changed: {n}, overlap {dice:.0%} or more</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.running</name>
    <message>
        <source>The best model so far is saved and used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop and keep the best</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue from the last saved state</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show curves</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In Slicer&apos;s plot view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping; the best model is being saved …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The suggestions made so far are kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The line shows the error on my slices; lower is better.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>after {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.sample</name>
    <message>
        <source>Real brain MRI with a few slices drawn: open it, press Train on my labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New here?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try the sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Make the sample study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The sample is not available. {why}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.setup</name>
    <message>
        <source>Download what training needs, into a folder of its own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finds what is missing, and tells you what to do</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop setting up; you can continue later</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete the computing environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check my computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look for Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No suitable Python was found. {needed} Install one from python.org, then press Set up again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check Slicer&apos;s Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Repair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Makes the computing environment work again; what is already downloaded is not downloaded again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up - ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A training is running with this environment. Stop it first, then press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete the computing environment?

{folder}

Studies, drawings and models stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove the environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A training is running with this environment. Stop it first, then press Remove.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up is finished: you can train now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training needs one download, into a folder of its own. Slicer itself is not changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up … you can go on working.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ready to train on this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up was interrupted. Press Repair to continue where it stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The bundle is for Python {version}, 64-bit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change Slicer&apos;s Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up SemiSeg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ready to train. {what}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment must be renewed. {why} Press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up did not work. {why}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.setup_choices</name>
    <message>
        <source>Nothing is installed into it; SemiSeg only checks that it has what is needed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put the environment on another disk, or where the path is short</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up without a network, from a file made on another computer with: semiseg bundle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up from {name}?

{count} packages, {size:.1f} GB, for Python {python}. Every file is checked; nothing is downloaded. They go into:

{folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More choices</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A private environment (recommended)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another Python that already has PyTorch and MONAI</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer&apos;s own Python, through the PyTorch extension</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Train with:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Changes Slicer&apos;s Python; you are asked first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Browse …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the Python program</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the best Python found on this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Made with:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folder:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other folder …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use an offline bundle …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose an offline bundle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Path of the Python program that makes the environment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Offline bundles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read the bundle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set up SemiSeg</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a folder with enough space</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>panel.train</name>
    <message>
        <source>Train on my labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checks the labels, then starts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SemiSeg is already training or using a model. Stop it first, or wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{text}

Mark them as done and use them?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices not done</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.dicom</name>
    <message>
        <source>series {number}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.dicom_seg</name>
    <message>
        <source>This Slicer cannot write DICOM SEG. Slicer 5.12 and newer can; for an older one install the extension Quantitative Reporting in the Extensions Manager, and restart.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer&apos;s DICOM database is not open: open the DICOM module once.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} did not come from DICOM, or was added from the scene without its series, so there is no series that a DICOM SEG could refer to. If the image is DICOM: export the case as a segmentation, remove the case, add the image again with Add from DICOM, and import the segmentation there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The original series of {case} is not in Slicer&apos;s DICOM database. Import it in the DICOM module.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {case} has other voxels than its original series: it was cropped, resampled or moved before it was added. A DICOM SEG would not fit the series; export .seg.nrrd.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The original series must be a single volume, but Slicer loads it as several ({n}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The DICOM plugin finds nothing to export: some original images are missing in Slicer&apos;s DICOM database.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} contains no structure, and a DICOM SEG file cannot be empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>DICOM SEG was not written: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no file was written</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.masks</name>
    <message>
        <source>&apos;{name}&apos; lies under the transform &apos;{transform}&apos;. Harden the transform, if it belongs to it, or take it away, and import it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not every segment of &apos;{name}&apos; consists of voxels or surfaces: they are contours, say. In the module Segmentations, under Representations, press &apos;Create&apos; beside &apos;Closed surface&apos;, and import it again. For contours of radiotherapy (RTSTRUCT) this needs the extension SlicerRT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The segmentation is no longer loaded in Slicer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Segments of &apos;{name}&apos; lie on different voxel grids. In the module Segmentations create its binary labelmap with this image as the geometry, and import it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is drawn in {name}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>segments: {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} ({content})</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.nodes</name>
    <message>
        <source>{words}, {n} of {count}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.pieces</name>
    <message>
        <source>The voxels of &apos;{name}&apos; were changed while they were being copied, so nothing of it was taken. Try again when nothing changes them.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.proposals</name>
    <message>
        <source>{case} - suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} - previous suggestion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} - uncertainty</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.screen</name>
    <message>
        <source>The volume is no longer loaded in Slicer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} - my labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {name} has not been read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {name} was deleted from the scene.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.surfaces</name>
    <message>
        <source>&apos;{name}&apos; was changed while it was being copied, so nothing of it was taken. Try again when nothing changes it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&apos;{segment}&apos; of {name} lies far outside the image. Check that it belongs to this image; if it does, remove this segment from a copy of the segmentation and import that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is drawn in {name}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>scene.volumes</name>
    <message>
        <source>The volume &apos;{name}&apos; holds no grey-value image; load a scalar volume.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The volume &apos;{name}&apos; lies under a transform; harden the transform first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} ({content})</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>setup.computer</name>
    <message>
        <source>The path {folder} is long, and Windows may refuse files in it: choose a folder with a shorter path under More choices.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment is not set up yet: press Set up.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up was interrupted: press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment was made for another version of SemiSeg: press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>PyTorch cannot compute on the graphics card {card} ({why}). Close other programs that use it, or choose &apos;cpu&apos; under Where to compute. If this PyTorch was not made for the card, Repair installs one that was.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training will use the graphics card {card} ({memory:.0f} GB).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No NVIDIA graphics card was found: training uses the processor. It works, but takes several times longer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>PyTorch cannot use the graphics card {card} yet: press Repair to install the PyTorch version that fits it ({build}). Until then the processor is used, which is slower.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the computing environment</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{system}, {cores} processor cores, {memory} of memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading PyTorch takes more than {seconds} seconds. Protection software may be looking at each of its files: wait some minutes, then check again. Let it allow the folder {folder}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment is ready (PyTorch {version}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{free:.0f} GB free on the disk of {what}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>That is little: free some disk space.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The study&apos;s folder {folder} cannot be written to ({reason}). Ask for permission, or copy the study.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the study</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unknown size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Less than 8 GB: train on few or small volumes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment is being set up now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up failed: {why} Press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Graphics card: {card}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The study&apos;s folder can be written to.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment does not start ({error}): press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment is damaged ({last}): press Repair.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{folder} cannot be reached. Is the drive connected?</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>setup.installer</name>
    <message>
        <source>It was cancelled. Press Repair to continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SemiSeg needs PyTorch and MONAI to train. They will be downloaded (0.4 GB for the processor, about {size:.0f} GB for a graphics card) into a folder of their own:

{folder}

Slicer&apos;s own Python stays as it is, and you can remove the folder here at any time. It takes some minutes; you can go on working meanwhile.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The computing environment is not set up. Press Set up first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another Slicer window, or a terminal, is setting it up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It was made by another version of SemiSeg, or its Python is gone.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>setup.other_pythons</name>
    <message>
        <source>PyTorch, MONAI and the packages they need will be added to Slicer&apos;s own Python, as the PyTorch extension does it. Other extensions will see them, too. Packages that came with Slicer keep their versions. This takes some minutes and up to 6 GB. To remove PyTorch again, use the module PyTorch Util.

Change Slicer&apos;s Python?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It was cancelled. Press Set up to continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a Python that has PyTorch and MONAI.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checking that everything is there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer&apos;s own Python was not found. Use a private environment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>First install the extension PyTorch (View, Extensions Manager) and restart Slicer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slicer&apos;s own Python has no PyTorch yet, or has not been checked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{python} has not been checked yet: press Check my computer.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>setup.process</name>
    <message>
        <source>Starting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It stopped too early.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It stopped too early. Its last line was: {line}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unpacking the packages; this takes a few minutes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Downloading {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>setup.pythons</name>
    <message>
        <source>A 64-bit Python from {oldest} to {newest} is needed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This Python {version} does not have {names}. Install what is missing in a terminal with: {command}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This is a 32-bit Python. PyTorch needs a 64-bit one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This Python is made for Intel processors, and PyTorch no longer supports these on a Mac. On a Mac with an Apple processor install Python from python.org; a Mac with an Intel processor cannot train.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{python} did not answer within {seconds:.0f} seconds. The computer may be busy: try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Python {version} with PyTorch {torch} and all other packages.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This is Python {version}, which is too old. {needed}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This is Python {version}, which is too new. {needed}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{python} does not exist. Choose the Python program itself, e.g. {example}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>it gives no answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{python} does not work as Python: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} (only {version})</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.beginning</name>
    <message>
        <source>Look for first slices</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.far_places</name>
    <message>
        <source>The server at {address} answers and accepts jobs. Images, your drawings and the names of structures are sent there; no names of patients or files.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The cluster at {address} answers and accepts jobs; they are kept in {folder}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.live</name>
    <message>
        <source>The model has learned from all your slices; its suggestion is still improving.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning while you draw could not start: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model learns from every slice as soon as you mark it as done, and updates its suggestion within seconds.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starts with the next slice you mark as done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Getting ready …</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is learning from your latest slice …</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.methods</name>
    <message>
        <source>Recommended</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learns from your slices. With enough slices and time, it also tests whether your other volumes help, and tells you.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Confident answers (mean teacher)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learns from your slices and from its own confident answers everywhere else.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>My slices only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learns only from the slices you drew; quick, for comparison.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy and paste (BCP)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pastes parts of labelled volumes into unlabelled ones, and vice versa.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Two opinions (MEDL)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Two networks teach each other, after weighing how sure each of them is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Photographs help (M&amp;N)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A network pre-trained on photographs and a 3D network teach each other.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Position contrast (SPCL)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>First learns what looks alike at the same level in different patients.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Outlines in ultrasound (ERSR)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>For round structures in 2D ultrasound, such as fetal heads.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Feature exchange (TransMedSeg)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Makes the network see labelled and unlabelled volumes more alike.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Competing networks (C3S3)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Two networks compete; sharper borders.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adaptive mixing (CAD)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Replaces regions it is unsure about with regions it is sure about.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mosaics (M3HL)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mixes labelled and unlabelled volumes into a mosaic.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a few minutes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a quarter of an hour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>half an hour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as long as it helps</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.models</name>
    <message>
        <source>The model learned from slices: {slices}. Cases with such slices: {annotated} of {cases}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model and its card were copied to {folder}; the copies were checked and are identical.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model was deleted; suggestions and drawings stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This model was not trained in this study, and it has no card that says which structures it knows. SemiSeg assumes the structures of this study. Check its suggestions carefully.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The card does not say what the model learned from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{dice:.2f} ({low:.2f} to {high:.2f})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{slices} in {cases}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.preflight</name>
    <message>
        <source>Slices of {case} marked &apos;nothing here&apos; that lie between two slices with a structure: {slices}. Check them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices of {case} that {who} marked &apos;nothing here&apos;, although other people drew a structure on both sides: {slices}. Agree on one reading.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In {case}, slices {slices} disagree along the line where they cross. Look at both, and correct one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} and {other} are the same image with different drawings: the model cannot learn both. Remove one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No slice is done yet. Draw the structures on two or three slices, and mark these as done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The study has no structures yet. Add at least one, and draw it on a slice.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is drawn on any slice that is done. Draw at least one structure.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Very little is drawn of {name} (voxels: {n}, in {cases}): too little to learn from. Draw it on several slices, or erase it if it was drawn by mistake.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} is not drawn anywhere, so the model cannot learn it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not drawn anywhere, so the model cannot learn them ({n}): {names}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} is drawn in {cases} only. On slices done in other cases it counts as not there. Draw it wherever it can be seen; otherwise the model learns to leave it out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drawn in few cases ({n}): {names}. On slices done in other cases they count as not there. Draw them wherever they can be seen; otherwise the model learns to leave them out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} (in {cases})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These volumes have thick slices, or few, and are learned slice by slice, but all slices that are done lie across them: {slices}. Draw on slices such as {example}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These volumes have thick slices, or few, and are learned slice by slice. Nothing is learned from slices that lie across them: {slices}. Draw on slices such as {example}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{case} ({slices})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done: {slices}. Cases with such slices: {cases} of {all}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The study has only one case: the model learns this image and will know little about others. Add more images; you need not draw on them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done that show a structure: {n}. With so few, the first suggestion will be rough, and its quality cannot be measured. Five or more, in several cases, are a good start.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The image of {name} is missing: {path}. Put it back, or say where it is now, or remove the case (in the panel: right-click it in the list).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The voxels of {name} have another size than those of the other cases ({spacing} mm); its suggestion may be worse.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only {free:.1f} GB are free on the study&apos;s disk; {need:.1f} GB are needed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training will need about {wanted:.1f} GB of memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB. Close other programs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB. Close other programs, or choose a method or settings that need less memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>and {n} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices of {case} that have drawings but are not marked as done will not be used: {numbers}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check before training</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.run_words</name>
    <message>
        <source>Drawings that were handed over to the training are damaged on the disk: {files}. They are not learned; what was drawn in their case before is. SemiSeg hands them over once more. If this is still said in a minute, stop the training, then start it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training is finished. Suggestions are in the list of cases.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training was stopped; the best model so far was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training failed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The training process ended unexpectedly.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model has been used. Its suggestions are in the list of cases.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped. The suggestions made so far are in the list of cases.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model could not be used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The process that used the model ended unexpectedly.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not enough slices yet to judge the quality</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>seconds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>error on my slices</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for other jobs to finish first: {n}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finished</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Suggesting case {n} of {count}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Using a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>agreement with slices kept aside: {score:.0%}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.setting_words</name>
    <message>
        <source>Candidate beside supervised</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Predict from several views of each volume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Optimiser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate (AdamW or SGD)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate over a phase</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Decay of the averaged weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Labelled patches per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Decay of the teacher</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least confidence of a pseudo-label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the unlabelled loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run until that weight is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unlabelled patches per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run for labels alone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pairs of patches, labelled and unlabelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Side of the pasted box over side of the patch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of pseudo-labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of labelled patches as they are</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Each structure is one piece</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Network that predicts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The two views</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of cross-entropy in the score</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Decay of the averaged scores</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temperature of the sharpening</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the winner&apos;s pseudo-labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run until they count in full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the cosine consistency</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cosine between</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the contrast, per pair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temperature of the contrast</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Anchors per class, space and image</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Negatives per class, space and image</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Evidence from a logit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Class-aware fusion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of a network&apos;s own doubt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Strength of the curriculum</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of log |I|</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the evidential loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run until pseudo-labels count in full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ramp the pseudo-label loss too</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Teach the fused opinion on labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run on labels alone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Labelled slices per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unlabelled slices per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the unlabelled losses</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of training until that weight is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Probability above which a pixel counts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep probabilities in the refined map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Elliptical structures: all, or values such as 1,2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scores of the filter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices that the filter remembers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Absent where nothing is this likely</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least overlap of ellipse and map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Greatest ratio of the axes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Greatest ratio of axes to be mirrored</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shrink whole slices to the patch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pixel height, times the image&apos;s own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pairs of patches per step, labelled and unlabelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tiles of the mosaic along each axis</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of tiles that are exchanged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of both feature losses</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mixed and whole images compared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare last features where both show the same</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mode of the teacher</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folder or hub name of a SegFormer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slice network</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank of the low-rank updates</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scale of the low-rank updates, times rank</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dropout before the low-rank updates</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Optimiser, volumes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate, volumes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate, slices (AdamW)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Networks that learn in a step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Means over labels and pseudo-labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the pseudo-labels&apos; mean</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the second stage until it is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Labelled patches in every step, at least</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the first stage to warm up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Steps until the networks change places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Patches per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices per step, drawn (0: all)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unlabelled share grows with</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rounding of the count</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the run for the encoder alone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the Dice loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Contrasted patches per step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Contrasted patches per pre-training step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Contrast labelled patches too</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stretches of a volume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temperature of the similarities</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the contrast in training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the position contrast</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the patient contrast</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of contrasting each patch with itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weights of the pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pair loss trusted at the start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trusted at the end, position</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trusted at the end, patient</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Exponent of the growing trust</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Divide by the mean weight of the pairs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the augmented loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the phase until it is full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Strength at the end of the run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Decay of class statistics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least confidence for the statistics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Voxels per class and step</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least voxels of a class to learn from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Distance from the paste border</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Largest correction of a logit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Labelled to unlabelled, or back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shift of the class means</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Spread of the classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Graph clustering of GraphCL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of the graph clustering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Clusters of the graph</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Threshold of the graph&apos;s attraction</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of agreement between the students</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of agreement on displaced images</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the phase until agreement counts in full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unsure by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Threshold at the start, relative</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Threshold at the end, relative</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unsure share at the start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unsure share at the end</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Window&apos;s share of a side at the start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Window&apos;s share of a side at the end</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Share of the phase until both are full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How threshold and window grow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least size of an unsure region</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sure windows to choose from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Regions per image at the end</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where windows come from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>View that pseudo-labels the strong one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chance of a hole in the strong view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weight of agreement with the teacher</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>voxels</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.steps</name>
    <message>
        <source>Slices done: {n}, in cases: {cases}. You can train now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study, make a new one, or try the sample.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scroll to a slice that shows the structures, draw them all, then press Slice done ({keys}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done: {n}. Draw some more, here and in another case, then train.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slices done since the last training: {n}. Train again, so that the model learns from them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Accept the cases that are right, correct the others, or train again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add the images of several patients. You need to draw on a few of them only.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up goes on by itself. Meanwhile, open a study or make a new one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Press Set up, once. Meanwhile, open a study or make a new one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click a case in the list to open it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at the slices of which the model is least sure, and correct what is wrong.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Setting up goes on by itself. When it is finished, you can train; go on drawing until then.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>To train on your slices, press Set up, once.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>When all structures on the slice are drawn, press Slice done ({keys}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>When all structures on the slice are right, press Slice done ({keys}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{doing}. You can go on drawing.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.telling</name>
    <message>
        <source>Send labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This training cannot learn what is drawn in {case}: the case, or a structure in it, was added after it began. The next training will.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>training.training</name>
    <message>
        <source>Training has started. You can go on drawing; new slices are used as soon as you mark them as done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look for a run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look for runs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is at work. You can go on drawing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start learning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What was just starting in the previous study was stopped, because another study was opened. To continue it, open that study again and press Resume.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the open case</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open a study first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SemiSeg is already training or using a model. Stop it first, or wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Earlier trainings cannot be read: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The state of the training cannot be read now: {error}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
