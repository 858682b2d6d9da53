nav-overview = Überblick

overview-title = Überblick
overview-lead = Was auf { $name } gerade geschieht; Raten sind Mittelwerte der letzten fünf Minuten.
overview-lead-part = Wie es den Servern jetzt geht, die Ihre Domains benutzen.
overview-whole-site = Wie viel Mail fließt, wird für die ganze Site gezählt; das sieht nur, wer die ganze Site sehen darf.
overview-own-queue = Was für Ihre Domains wartet
overview-servers = Server, die Ihre Domains benutzen
overview-loaded = Stand beim Laden
overview-live = Live
overview-lost = Nicht aktuell: Die Verbindung ist abgebrochen
overview-fine = Alles in Ordnung.
overview-wrong = { $count ->
    [one] Ein Punkt braucht Ihre Aufmerksamkeit
   *[other] { $count } Punkte brauchen Ihre Aufmerksamkeit
}

severity-error = Fehler:
severity-warning = Warnung:
severity-notice = Hinweis:

wrong-said = Im Wortlaut:
wrong-accepts-everything = { $name } nimmt jede Adresse von { $domain } an, ob es sie gibt oder nicht: Mail von Fremden an unbekannte Adressen kann nicht abgewiesen werden
wrong-address-twice = { $name } gibt es auf zwei Servern: Die Mail geht an { $mail_goes_to }, und { $also_on } hat die Adresse auch
wrong-both-forward = { $name } und { $target } leiten unbekannte Adressen gegenseitig weiter: { $loops ->
    [one] Ein Empfänger ging im Kreis
   *[other] { $loops } Empfänger gingen im Kreis
}
wrong-certificate-expired = Das Zertifikat von { $name } ist abgelaufen
wrong-certificate-expires = Das Zertifikat von { $name } läuft { $days ->
    [0] innerhalb eines Tages
    [one] in einem Tag
   *[other] in { $days } Tagen
} ab
wrong-certificate-not-given = Die Zertifizierungsstelle gibt kein Zertifikat für { $name } aus
wrong-disk-full = Die Festplatte ist voll: { $free_bytes } von { $total_bytes } sind frei, es wird keine Mail angenommen
wrong-disk-nearly-full = Die Festplatte ist fast voll: { $free_bytes } von { $total_bytes } sind frei
wrong-held = Mail für { $name } wird zurückgehalten
wrong-other = { $name }: { $code }
wrong-peer-silent = Der Peer { $name } antwortet nicht auf Fragen nach Adressen; er wird in { $paused_s } wieder gefragt
wrong-postmaster-mail = { $messages ->
    [one] Eine Nachricht liegt
   *[other] { $messages } Nachrichten liegen
} im Postmaster-Postfach dieses Servers
wrong-queue-old = { $waiting ->
    [one] Ein Empfänger wartet
   *[other] { $waiting } Empfänger warten
} auf { $name }, der älteste seit { $oldest_s }
wrong-spool-suspect = Der Nachrichtenspeicher von { $name } ist gestört: Es wird keine Mail angenommen, bis er sich wieder bewährt hat
wrong-target-degraded-alone = { $name } versagt von Zeit zu Zeit
wrong-target-degraded = { $name } schlägt zeitweise fehl; { $waiting ->
    [0] kein Empfänger wartet
    [one] ein Empfänger wartet
   *[other] { $waiting } Empfänger warten
}
wrong-target-down-alone = { $name } ist nicht erreichbar
wrong-target-down = { $name } ist nicht erreichbar; { $waiting ->
    [0] kein Empfänger wartet
    [one] ein Empfänger wartet
   *[other] { $waiting } Empfänger warten
}
moment-at = Bemerkt
moment-last-answer = Letzte Antwort
moment-last-success = Letzter Erfolg
moment-seen = Bemerkt
moment-since = Seit
moment-tried-again = Nächster Versuch
moment-until = Bis

stat-messages = Angenommen
stat-messages-unit = Nachrichten
stat-per-minute = pro Minute
stat-sent = Zugestellt
stat-refused = Abgewiesen
stat-queue = Warteschlange
stat-oldest = Älteste wartende Nachricht
stat-up = In Betrieb seit

map-title = Wer mit diesem Server Mail austauscht
map-legend = Je dicker die Linie, desto mehr Mail; gepunktet: keine in den letzten fünf Minuten.
map-desc = Links, wer Mail bringt; in der Mitte dieser Server, darunter seine Postfächer; rechts { $count ->
    [one] ein Ziel
   *[other] { $count } Ziele
}, an die Mail geht. Die Tabelle darunter sagt dasselbe.
map-more = { $count ->
    [one] Eines mehr steht nur in der Tabelle.
   *[other] { $count } weitere stehen nur in der Tabelle.
}
map-rate-brings = { $rate } Nachrichten/min
map-rate-takes = { $rate } zugestellt/min
map-rate-takes-in = { $rate } Nachrichten/min angenommen
map-rate-refuses = { $rate } Empfänger/min abgewiesen
map-queue = { $count ->
    [one] eine Nachricht wartet
   *[other] { $count } Nachrichten warten
}
map-oldest = älteste wartet { $span }
map-hop-rates = hin { $out }/min, zurück { $in }/min
map-hop-waits = { $count } warten, längstens { $span }

source-here = Dieser Server selbst
source-strangers = Internet
source-trusted = Vertraute Netze
source-users = Eigene Benutzer

hop-local = Postfächer hier
hop-mx = Andere Domains
hop-none = Noch ohne Weg
hop-smart-host = Smarthost
hop-kind-local = Postfächer
hop-kind-mx = über MX
hop-kind-none = wartet auf einen Weg
hop-kind-peer = Peer
hop-kind-smart-host = Smarthost
hop-kind-source = bringt Mail
hop-kind-target = Ziel
hop-state-degraded = beeinträchtigt
hop-state-down = ausgefallen
hop-state-held = zurückgehalten
hop-state-unused = noch nicht benutzt
hop-state-up = in Betrieb

hops-name = Wer
hops-kind = Was
hops-state = Zustand
hops-sent = Hin/min
hops-incoming = Zurück/min
hops-failed = Fehlschläge/min
hops-waiting = Wartend
hops-oldest = Älteste

charts-title = Im Verlauf
charts-span = Zeitraum
charts-time = Zeit
charts-table = Als Tabelle
span-hours = 3 Stunden
span-day = 24 Stunden
span-month = 30 Tage
chart-traffic = Verkehr pro Minute
chart-refusals = Abgewiesene Empfänger nach Grund, pro Minute
chart-delay = Vom Eingang bis zur Zustellung
chart-queue = Warteschlange
series-messages = Angenommene Nachrichten
series-sent = Zugestellte Empfänger
series-deferred = Aufgeschobene Empfänger
series-refused = Abgewiesene Empfänger
series-delay-p50 = die Hälfte innerhalb von
series-delay-p95 = 95 % innerhalb von
series-queue = Nachrichten in der Warteschlange
series-waiting = Wartende Empfänger

refusal-for-now = { $reason } (vorläufig)
refusal-forward-unknown = Relay hat sie nicht
refusal-gateway = Gateway-Domain
refusal-group = Gruppe
refusal-local = Postfach hier
refusal-loop = ginge im Kreis
refusal-next-hop = das nächste Ziel
refusal-no-mail = Benutzer ohne Mail
refusal-not-served = Domain nicht hier
refusal-policy = Absender oder Grenzwerte
refusal-postmaster = Postmaster
refusal-sharing = Domain-Sharing
refusal-suspended = Benutzer gesperrt
refusal-third-party = Benutzer auf Fremdserver
refusal-unknown = unbekannte Adresse
