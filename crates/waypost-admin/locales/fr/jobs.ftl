job-site-apply = Appliquer un fichier de site
job-begun = Cela commence.
job-cancel = Annuler
job-done = Terminé.
job-failed = Non effectué.
job-line = Ligne { $line }:
