job-site-apply = Site-Datei anwenden
job-begun = Es beginnt.
job-cancel = Abbrechen
job-done = Fertig.
job-failed = Nicht ausgeführt.
job-line = Zeile { $line }:
