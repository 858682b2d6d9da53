crumbs = Wo Sie sind
pager = Seiten
live-open = Live
live-lost = Verbindung verloren; neuer Versuch

secret-kept = Eines ist gesetzt. Lassen Sie das Feld leer, um es zu behalten.
secret-none = Keines ist gesetzt.
secret-gone = Entfernen

hold-reason = Grund
hold-reason-hint = In Ihren Worten; Kollegen und das Protokoll sehen ihn.
hold-span = Wie lange
hold-span-released = Bis zur Freigabe
hold-span-1h = 1 Stunde
hold-span-4h = 4 Stunden
hold-span-12h = 12 Stunden
hold-span-1d = 1 Tag
hold-span-3d = 3 Tage
hold-span-7d = 7 Tage
hold-span-at = Bis zu einem Zeitpunkt
hold-until = Endet um
hold-since = seit
hold-ends = endet
hold-kind-domain = Domain
hold-kind-target = Ziel
hold-kind-user = Benutzer
