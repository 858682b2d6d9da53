directory-title = Verzeichnis
directory-lead = Benutzer, gemeinsame Postfächer und Gruppen Ihrer Domains.
directory-kinds = Arten
directory-tab-users = Benutzer
directory-tab-mailboxes = Gemeinsame Postfächer
directory-tab-groups = Gruppen
directory-new-users = Neuer Benutzer
directory-new-mailboxes = Neues gemeinsames Postfach
directory-new-groups = Neue Gruppe
directory-import = Importieren
directory-export = Exportieren
directory-search = In Namen und Adressen suchen
directory-find = Suchen
directory-any = beliebig
directory-name = Name
directory-address = Adresse
directory-mail = Mail-Art
directory-target = Ziel
directory-state = Zustand
directory-domain = Domain
directory-nothing = Niemand passt zu diesen Filtern.
directory-none-users = Noch kein Benutzer.
directory-none-mailboxes = Noch kein gemeinsames Postfach.
directory-none-groups = Noch keine Gruppe.
directory-select-all = Alle auf dieser Seite auswählen
directory-select = { $name } auswählen
directory-pages = Seiten
directory-first = Erste Seite
directory-next = Nächste Seite
directory-count = { $count ->
    [one] Ein Benutzer
   *[other] { $count } Benutzer
}

mail-local = Postfach hier
mail-third-party = Mailserver eines Dritten
mail-none = Keine Mail
mail-hint-local = Dieser Server führt das Postfach; der Benutzer kann sich anmelden.
mail-hint-third-party = Mail wird an einen anderen Server weitergeleitet; der Benutzer kann sich hier nicht anmelden.
mail-hint-none = Mail an ihn wird abgewiesen.
state-active = Aktiv
state-suspended = Gesperrt
target-relay = Relay der Domain

bulk-selected = ausgewählt
bulk-all = Alle { $count } gefundenen
bulk-do = Mit den ausgewählten:
bulk-mail-local = Mail-Art: Postfach hier
bulk-mail-third-party = Mail-Art: Mailserver eines Dritten
bulk-mail-none = Mail-Art: keine Mail
bulk-to-target = Auf ein Ziel umziehen
bulk-target = Umziehen
bulk-suspend = Sperren
bulk-resume = Sperre aufheben
bulk-remove = Entfernen
bulk-go-on = Weiter
bulk-ask-mail-local = { $count ->
    [one] Einem Benutzer hier ein Postfach geben?
   *[other] { $count } Benutzern hier ein Postfach geben?
}
bulk-ask-mail-third-party = { $count ->
    [one] Die Mail eines Benutzers an das Relay seiner Domain weiterleiten?
   *[other] Die Mail von { $count } Benutzern an das Relay ihrer Domain weiterleiten?
}
bulk-ask-mail-none = { $count ->
    [one] Einem Benutzer die Mail nehmen?
   *[other] { $count } Benutzern die Mail nehmen?
}
bulk-ask-target = { $count ->
    [one] Einen Benutzer umziehen auf: { $target }?
   *[other] { $count } Benutzer umziehen auf: { $target }?
}
bulk-ask-suspend = { $count ->
    [one] Einen Benutzer sperren?
   *[other] { $count } Benutzer sperren?
}
bulk-ask-resume = { $count ->
    [one] Die Sperre eines Benutzers aufheben?
   *[other] Die Sperre von { $count } Benutzern aufheben?
}
bulk-ask-remove = { $count ->
    [one] Einen Benutzer entfernen?
   *[other] { $count } Benutzer entfernen?
}
bulk-ask-note = Wer nicht geändert werden kann, bleibt, wie er ist, und wird mit dem Grund aufgeführt.
bulk-ask-more = … und { $count ->
    [one] ein weiterer Benutzer
   *[other] { $count } weitere Benutzer
}
bulk-ask-removed = Entfernt
target-relay-named = Relay der Domain: { $relay }

import-title = Benutzer importieren
import-lead = Zuerst sehen Sie, was die Datei bewirken würde; nichts wird geändert, bevor Sie es sagen.
import-file = CSV-Datei
import-file-hint = Bis 128 MiB, in UTF-8, mit Kommas oder Semikolons.
import-text = Oder ihr Text
import-columns = Die erste Zeile nennt die Spalten. Es gibt:
import-columns-more = Nur login muss da sein, mit seiner Domain (jdoe@example.com), wo es keine Spalte dafür gibt. Mehrere Adressen werden durch Leerzeichen getrennt. Fehlende Spalten lassen, was da ist; niemand wird entfernt.
import-force = Peers nicht nach neuen Adressen fragen
import-force-hint = Sonst wird eine Zeile abgewiesen, wenn ein Peer eine ihrer Adressen hat oder nicht gefragt werden kann.
import-preview = Vorschau

job-users-import = Benutzer importieren
job-users-actions = Viele Benutzer ändern
job-rehearsed = Das würde geschehen. Noch ist nichts geändert.
job-cancelled = Abgebrochen; was vorher getan wurde, bleibt getan.
job-count-created = Neu
job-count-changed = Geändert
job-count-removed = Entfernt
job-count-unchanged = Wie bisher
job-count-refused = Abgewiesen
job-next = { $count ->
    [one] Einen Benutzer importieren
   *[other] { $count } Benutzer importieren
}
job-other = Eine andere Datei
job-refused = { $count ->
    [one] Einer abgewiesen
   *[other] { $count } abgewiesen
}
job-refused-file = Alle als Datei
job-refused-line = Zeile
job-refused-object = Wer
job-refused-field = Feld
job-refused-why = Warum, und was zu tun ist
job-refused-shown = Die ersten { $count } sind zu sehen; alle sind in der Datei.
job-step-saving = Wird gespeichert
job-step-trying = Wird versucht, ohne zu speichern
job-step-asking-peers = Peers werden gefragt
job-step-applying = Wird angewendet

field-addresses = Adressen
field-domain = Domain
field-force = Trotzdem speichern
field-login = Anmeldename
field-mail = Mail-Art
field-members = Mitglieder
field-name = Name
field-owner = Verantwortlicher
field-password = Passwort
field-quota = Kontingent
field-relayed = Weitergeleitete Adressen
field-suspended = Gesperrt
field-target = Ziel
job-step-holding = Nachrichten werden angehalten
job-step-releasing = Nachrichten werden freigegeben
job-step-removing = Nachrichten werden entfernt
job-step-retrying = Nachrichten werden erneut versucht
field-created_ms = Angelegt
field-hash = Geheimnis
