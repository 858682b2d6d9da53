test-message-title = Testnachricht
test-message-lead = Dieser Server sendet selbst eine kurze Nachricht; Sie sehen, welchen Weg sie nimmt und ob sie ankommt.
test-message-to = An
test-message-hint = Eine Adresse einer Domain, für die dieser Server zuständig ist. Würde ein Client abgewiesen, bekommt niemand etwas.
test-message-send = Testnachricht senden
test-message-refused = Es wurde nichts gesendet.
done-test-message = Die Testnachricht ist unterwegs; laden Sie diese Seite neu, um zu sehen, was aus ihr geworden ist.
nav-test-message = Testnachricht
