queue-title = Warteschlange
queue-lead = Mail, die dieser Server angenommen hat und noch weitergeben muss.
queue-shape = Was wartet, nach nächster Station und Alter
queue-waiting = { $count ->
    [one] Ein Empfänger wartet.
   *[other] { $count } Empfänger warten.
}
queue-none = Die Warteschlange ist leer.
queue-none-found = Keine Nachricht passt.
queue-total = Empfänger
queue-oldest-age = Älteste
queue-hop-lmtp = Postfächer hier (LMTP)
queue-hop-maildir = Postfächer hier
queue-hop-none = Vorerst nirgends
queue-hop-smart-host = Smarthost
queue-hop-to-mx = MX von { $domain }

queue-sender = Absender
queue-recipient = Empfänger
queue-recipients = Empfänger
queue-more-recipients = { $count ->
    [one] und ein weiterer
   *[other] und { $count } weitere
}
queue-id = Kennung
queue-next-hop = Nächste Station
queue-any = beliebig
queue-state = Zustand
queue-state-any = beliebig
queue-state-active = Unterwegs
queue-state-deferred = Wartet
queue-state-held = Angehalten
queue-recipient-state-delivered = Zugestellt
queue-recipient-state-failed = Gescheitert
queue-recipient-state-queued = Wartet
queue-recipient-state-removed = Entfernt
queue-age-min = Älter als
queue-age-max = Jünger als
queue-find = Suchen
queue-find-all = Alle zeigen
queue-arrived = Angenommen
queue-last-reply = Letzte Antwort
queue-size = Größe
queue-select = Auswählen
queue-select-page = Alle auf dieser Seite wählen
queue-selected = gewählt
queue-all = { $count ->
    [one] die eine, die passt
   *[other] alle { $count }, die passen
}
queue-all-more = alle, die passen, mehr als { $count }
queue-count = { $count ->
    [one] Eine Nachricht
   *[other] { $count } Nachrichten
}
queue-count-more = Mehr als { $count } Nachrichten
queue-count-of = von { $count } in der Warteschlange
queue-newest = Neueste zuerst
queue-oldest = Älteste zuerst

queue-verb-hold = Anhalten
queue-verb-release = Freigeben
queue-verb-retry = Jetzt versuchen
queue-verb-remove = Entfernen
queue-ask-hold = { $count ->
    [one] Eine Nachricht anhalten?
   *[other] { $count } Nachrichten anhalten?
}
queue-ask-release = { $count ->
    [one] Eine Nachricht freigeben?
   *[other] { $count } Nachrichten freigeben?
}
queue-ask-retry = { $count ->
    [one] Eine Nachricht jetzt versuchen?
   *[other] { $count } Nachrichten jetzt versuchen?
}
queue-ask-remove = { $count ->
    [one] Eine Nachricht entfernen?
   *[other] { $count } Nachrichten entfernen?
}
queue-ask-more-hold = Mehr als { $count } Nachrichten anhalten?
queue-ask-more-release = Mehr als { $count } Nachrichten freigeben?
queue-ask-more-retry = Mehr als { $count } Nachrichten jetzt versuchen?
queue-ask-more-remove = Mehr als { $count } Nachrichten entfernen?
queue-ask-one-hold = Die Nachricht { $id } anhalten?
queue-ask-one-release = Die Nachricht { $id } freigeben?
queue-ask-one-retry = Die Nachricht { $id } jetzt versuchen?
queue-ask-one-remove = Die Nachricht { $id } entfernen?
queue-ask-recipients = { $count ->
    [one] Einen Empfänger dieser Nachricht entfernen?
   *[other] { $count } Empfänger dieser Nachricht entfernen?
}
queue-ask-says-hold = Sie bleibt in der Warteschlange und wird nicht versucht, bis das Anhalten endet; die Zeit zählt nicht zur Lebensdauer.
queue-ask-says-release = Sie wird sofort versucht.
queue-ask-says-retry = Sie wird sofort versucht, wann auch immer sie an der Reihe wäre. Angehaltenes bleibt, wo es ist.
queue-ask-says-remove = Niemand bekommt sie, der Absender erfährt nichts, und sie lässt sich nicht zurückholen.
job-queue-hold = Nachrichten anhalten
job-queue-release = Nachrichten freigeben
job-queue-retry = Nachrichten jetzt versuchen
job-queue-remove = Nachrichten entfernen
done-queue-held = Die Nachricht ist jetzt angehalten.
done-queue-released = Die Nachricht ist freigegeben.
done-queue-retried = Die Nachricht wird jetzt versucht.
done-queue-removed = Die Nachricht wurde entfernt.
done-queue-recipients-removed = Diese Empfänger wurden entfernt.
done-queue-hold-set = Es ist jetzt angehalten.
done-queue-hold-ended = Das Anhalten ist beendet.

queue-holds = Was angehalten ist
queue-holds-what = Was
queue-holds-since = Seit
queue-holds-until = Bis
queue-holds-end = Freigeben
queue-hold-something = Domain oder Benutzer anhalten
queue-hold-lead = Mail wird weiter angenommen und wartet; die Zeit zählt nicht zu ihrer Lebensdauer.
queue-hold-kind = Was
queue-hold-name = Name
queue-hold-name-hint = example.com, oder jdoe@example.com mit dem Anmeldenamen.

queue-message = Nachricht { $id }
queue-gone = Diese Nachricht ist nicht mehr in der Warteschlange.
queue-gone-says = Was mit ihr geschah, steht unten.
queue-is-held = Diese Nachricht ist angehalten.
queue-envelope = Umschlag
queue-client = Kam von
queue-header = Kopf
queue-header-none = Sie hat keinen Kopf.
queue-header-cut = Der Kopf geht weiter; nur der Anfang wird gezeigt.
queue-original = geschrieben als
queue-attempts = Versuche
queue-next = Nächster Versuch
queue-expires = aufgegeben
queue-remove-selected = Diese Empfänger entfernen
queue-history = Alles, was geschah
queue-history-none = Nichts ist bekannt: Der Verlauf ist vielleicht aus oder noch nicht geschrieben.
queue-event-client = Client
queue-event-message-id = Message-ID
queue-event-rejected = Abgelehnt
queue-event-member-refused = Mitglied einer Gruppe abgelehnt
queue-event-active = In die Warteschlange genommen
queue-event-again = Erneut versucht
queue-event-other = Etwas anderes
queue-event-passing = Durchgereicht, solange der Absender wartet
queue-event-delivery = Zustellversuch
queue-event-expired = Aufgegeben
queue-event-report = Bericht gesendet
queue-event-ordered = Von einem Administrator geändert
queue-event-lives-twice = Adresse auf zwei Servern
queue-event-trouble = Störung
queue-event-removed = Aus der Warteschlange
queue-field-client = Client
queue-field-sasl_username = angemeldet als
queue-field-message_id = Message-ID
queue-field-from = Absender
queue-field-nrcpt = Empfänger
queue-field-to = Empfänger
queue-field-orig_to = geschrieben als
queue-field-relay = nächste Station
queue-field-status = Ergebnis
queue-field-dsn = Status
queue-field-said = sagte
queue-field-reply = Antwort
queue-field-tls = Verbindung
queue-field-delay = Verzögerung
queue-field-verb = Aktion
queue-field-by = von
queue-field-reason = Grund
queue-field-report = Bericht
queue-field-also_on = auch auf
queue-field-trouble = Störung
queue-field-why-not = warum nicht
queue-status-sent = zugestellt
queue-status-deferred = noch nicht
queue-status-bounced = abgewiesen
queue-status-expired = aufgegeben
queue-status-refused = dem Client abgewiesen
