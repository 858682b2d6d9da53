job-site-apply = Site-Datei anwenden
job-begun = Es beginnt.
job-cancel = Abbrechen
job-done = Fertig.
job-failed = Nicht ausgeführt.
job-of = Begonnen von { $login }.
job-go-on = Zurück zu: { $page }
job-line = Zeile { $line }:
job-messages-done = Nachrichten erledigt
job-messages-undone = Nicht erledigt
job-undone = Nachrichten, die blieben, wie sie waren
job-undone-reason = Warum
job-undone-active = Sie war in diesem Augenblick unterwegs.
job-undone-gone = Sie ist nicht mehr in der Warteschlange.
job-undone-held = Sie ist angehalten; geben Sie sie zuerst frei.
job-undone-not-held = Sie war nicht angehalten.
job-sum-nothing = Nichts zu ändern.
job-sum-unasked = { $count ->
    [one] Kein Peer wurde nach einer neuen Adresse gefragt.
   *[other] Kein Peer wurde nach { $count } neuen Adressen gefragt.
}
job-sum-of = { $what }: { $count }
jobs-title = Aufträge
jobs-lead = Was länger dauert, und was in der letzten Stunde daraus wurde: Ihre eigenen, für Superadministratoren alle.
jobs-none = Nichts ist im Gange.
jobs-what = Was
jobs-owner = Begonnen von
jobs-state = Zustand
job-state-running = Im Gange
job-state-done = Erledigt
job-state-failed = Nicht erledigt
