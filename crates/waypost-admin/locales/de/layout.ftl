layout-skip = Zum Inhalt
layout-menu = Menü
layout-main-menu = Hauptmenü
layout-signed-in = Angemeldet als
layout-log-out = Abmelden

nav-group-overview = Überblick
nav-group-mail = Mail
nav-directory = Verzeichnis
nav-domains = Verwaltete Domains
nav-group-site = Site
nav-admins = Administratoren
nav-tokens = Token
nav-group-routes = Wege
nav-queue = Warteschlange
nav-targets = Ziele
nav-sharing = Domain-Sharing
nav-gateways = Gateway-Domains
nav-system = System
nav-log = Protokoll

role-superadministrator = Superadministrator
role-domain-administrator = Domain-Administrator
role-user-administrator = Benutzer-Administrator
role-helpdesk = Helpdesk

done-password = Ihr Passwort wurde geändert.

problem-400 = Diese Anfrage ist nicht lesbar
problem-401 = Niemand ist angemeldet
problem-403 = Das dürfen Sie nicht
problem-404 = Das gibt es nicht
problem-405 = Diese Adresse erwartet ein Formular
problem-409 = Das gibt es schon
problem-412 = Jemand hat es inzwischen geändert
problem-413 = Das ist zu groß
problem-415 = Das ist vom falschen Typ
problem-422 = Etwas an den Feldern stimmt nicht
problem-429 = Zu viele Versuche
problem-500 = Im Server ist etwas fehlgeschlagen
problem-503 = Das geht gerade nicht
stale-title = Dieses Formular stammt von einer früheren Anmeldung
stale-says = Nichts wurde geändert. Sie haben sich neu angemeldet, seit die Seite geladen wurde; Ihre Eingaben sind noch da und können jetzt gesendet werden.
stale-again = Jetzt senden
problem-back = Zurück zum Anfang


login-title = Anmelden
login-name = Anmeldename
login-password = Passwort
login-button = Anmelden
login-first = Der erste Anmeldename ist admin0; sein Einmalpasswort steht in der Datei admin0-password im Datenverzeichnis des Servers.
login-refused-401 = Anmeldename oder Passwort ist falsch.
login-refused-429 = Zu viele fehlgeschlagene Anmeldungen.
login-refused-500 = Im Server ist etwas fehlgeschlagen; sein Protokoll sagt, was.
login-refused-503 = Anmeldungen können gerade nicht geprüft werden; versuchen Sie es später.
login-wait = { $seconds ->
    [one] Versuchen Sie es in einer Sekunde wieder.
   *[other] Versuchen Sie es in { $seconds } Sekunden wieder.
}

password-title = Passwort wählen
password-lead = Alles andere kommt danach. Mindestens zehn Zeichen; ein Satz lässt sich leichter merken als Sonderzeichen.
password-new = Neues Passwort
password-again = Noch einmal dasselbe
password-save = Passwort speichern
password-wrong-short = Es hat weniger als zehn Zeichen.
password-wrong-differs = Die beiden sind nicht gleich.
password-wrong-user = Dieser Anmeldename gehört einem Benutzer: Sein Passwort wird beim Benutzer geändert.
