# Slicer's launcher for the build tree; there is no Slicer to launch.
set(CTKAppLauncher_FOUND TRUE)
function(ctkAppLauncherConfigureForExecutable)
endfunction()
