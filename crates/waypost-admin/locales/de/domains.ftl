domains-title = Verwaltete Domains
domains-lead = Die E-Mail-Domains, über die dieser Server entscheidet.
domains-none = Noch keine Domain.
domains-none-found = Keine Domain hat dies in einem ihrer Namen.
domains-new = Neue Domain
domains-new-lead = Alles Weitere lässt sich danach einstellen. Solange weder Relay noch Domain-Sharing eingestellt ist, werden unbekannte Adressen hier abgelehnt.
domains-search = Name oder ein Teil davon
domains-name = Domain
domains-aliases = Weitere Namen
domains-role = Rolle
domains-relay = Relay und Peers
domains-users = Benutzer
domains-state = Zustand

domain-role-master = Master
domain-role-slave = Slave
domain-role-migration = Migration
domain-role-shared = Geteilt
domain-role-plain = Einfach
domain-role-means-master = Dieser Server kennt alle Benutzer; einige davon liegen auf dem Relay.
domain-role-means-slave = Dieser Server kennt seine eigenen Benutzer; über alle anderen entscheidet das Relay.
domain-role-means-migration = Dieser Server kennt einen Teil der Benutzer des Relays; über hier noch unbekannte Adressen entscheidet das Relay.
domain-role-means-shared = Die übrigen Benutzer liegen bei Peers, die danach gefragt werden.
domain-role-means-plain = Alle Benutzer der Domain sind hier.

domain-state-good = In Ordnung
domain-state-held = Angehalten
domain-state-both-forward = Beide Seiten leiten unbekannte Adressen weiter
domain-state-accepts-everything = Relay nimmt jede Adresse an
domain-state-peer-silent = Ein Peer antwortet nicht
domain-state-relay-degraded = Relay mit Fehlern
domain-state-relay-down = Relay ausgefallen
domain-state-relay-held = Relay angehalten

domain-create = Anlegen
domain-create-edit = Anlegen und bearbeiten
domain-name-hint = Der Hauptname, etwa example.com. Er ändert sich nie.
domain-aliases-hint = Alias-Domains, eine je Zeile. Adressen für alle Namen gelten in jeder davon.
domain-tabs = Einstellungen der Domain
domain-tab-general = Allgemein
domain-tab-mail = Mailsystem
domain-tab-routing = Mail-Routing
domain-postmaster = Postmaster
domain-postmaster-hint = Erhält Mail an postmaster@ und abuse@, wenn kein Benutzer diese Adressen hat. Leer: das Relay, wenn es unbekannte Adressen erhält, sonst der Postmaster dieses Servers.
domain-users-local = Postfächer hier
domain-users-third-party = Fremdserver-Benutzer
domain-users-none = Ohne E-Mail
domain-users-suspended = Gesperrt

domain-quota-lead = Grenzen der Postfächer auf diesem Server. Für Benutzer auf fremden Servern gelten deren Grenzen.
domain-quota-user-max = Höchstes Kontingent eines Benutzers
domain-quota-user-default = Standardkontingent eines Benutzers
domain-quota-shared-max = Höchstes Kontingent eines gemeinsamen Postfachs
domain-quota-shared-default = Standardkontingent eines gemeinsamen Postfachs
domain-quota-hint-user-max = Benutzer können jedes Kontingent erhalten, oder keines.
domain-quota-hint-user-default = Benutzer ohne eigenes Kontingent erhalten das höchste, sofern es eines gibt.
domain-quota-hint-shared-max = Gemeinsame Postfächer können jedes Kontingent erhalten, oder keines.
domain-quota-hint-shared-default = Gemeinsame Postfächer ohne eigenes Kontingent erhalten das höchste, sofern es eines gibt.
quota-none = Kein Kontingent
quota-size = Kontingent setzen auf
quota-unit = Einheit

domain-remove-which = { $domain } entfernen
domain-remove-lead = E-Mail an diese Domain wird danach abgelehnt. Niemand hat mehr eine Adresse darin.
domain-remove-in-the-way = Die Domain lässt sich nicht entfernen, solange sie enthält:
domain-count-users = { $count ->
    [one] einen Benutzer
   *[other] { $count } Benutzer
}
domain-count-mailboxes = { $count ->
    [one] ein gemeinsames Postfach
   *[other] { $count } gemeinsame Postfächer
}
domain-count-groups = { $count ->
    [one] eine Gruppe
   *[other] { $count } Gruppen
}

routing-now = Unbekannte Adressen zurzeit:
routing-title = Mail-Routing
routing-closed = Relay und Domain-Sharing ändert nur, wer das Routing einstellen darf.
routing-relay = Relay für geteilte Domains
routing-relay-hint = Der Mailserver mit den übrigen Benutzern: ein Ziel oder Host[:Port]. Gemeint ist der Host selbst, nicht sein MX. Leer: Alle Benutzer sind hier oder auf eigenen Zielen. Der Name der Domain selbst wird abgelehnt, wenn er zu diesem Server führt.
routing-forward = Unbekannte Adressen an das Relay weiterleiten
routing-forward-hint = Aus (Master): Dieser Server lehnt Adressen ab, die er nicht kennt. An (Slave, Migration): Das Relay entscheidet darüber. Nie auf beiden Seiten einschalten.
routing-verify = Wenn ein Fremder an eine unbekannte Adresse schreibt
routing-verify-callout = Zuerst das Relay fragen
routing-verify-callout-hint = Das Relay wird gefragt, während der Absender wartet; was es ablehnt, wird auch hier abgelehnt.
routing-verify-none = Ungefragt annehmen
routing-verify-none-hint = Jede Adresse wird angenommen. Was das Relay dann ablehnt, geht als Bericht an einen womöglich gefälschten Absender.
routing-sharing = Domain-Sharing
routing-sharing-hint = Alle diese Peers werden gefragt, wer eine unbekannte Adresse hat. Haben sie mehrere, erhält der erste in dieser Reihenfolge die Mail. Hat sie keiner, geht sie an das Relay oder wird abgelehnt; antwortet einer nicht, versucht es der Absender später.
routing-sharing-off = Aus: Kein Peer wird gefragt.
routing-no-peers = Es gibt keinen weiteren Peer.
routing-add-peer = Weiterer Peer
routing-add = Hinzufügen
routing-up = Nach oben
routing-down = Nach unten
routing-up-which = { $peer } nach oben
routing-down-which = { $peer } nach unten
routing-drop-which = { $peer } aus dieser Domain entfernen
routing-senders = Absender
routing-protect = Absender dieser Domain von außen ohne Anmeldung ablehnen
routing-protect-hint = Schützt vor gefälschten Absendern. Relay und Peers sind ausgenommen: Sie werden an Adressen, Zertifikaten oder Anmeldungen erkannt. Empfänger, auch unbekannte, sind nicht betroffen.
routing-preview = Vorschau der Änderung

preview-title = Was diese Änderung bewirkt
preview-before = Vorher
preview-after = Nachher
preview-what-role = Rolle
preview-what-unknown = Unbekannte Adressen
preview-confirm = Das ist mir bekannt und so gewollt
preview-unconfirmed = Noch nicht gespeichert: Bestätigen Sie zuerst jede Warnung, oder gehen Sie zurück.
preview-back = Zurück zum Formular

domain-unknown-refused = Sie werden hier abgelehnt (550).
domain-unknown-relay-asked = Das Relay entscheidet: Es wird gefragt, während der Absender wartet.
domain-unknown-relay-unasked = Alle werden angenommen und ungefragt an das Relay gesendet.
domain-unknown-peers = Alle Peers werden gefragt; was keiner hat, wird hier abgelehnt (550).
domain-unknown-peers-relay-asked = Alle Peers werden gefragt; was keiner hat, darüber entscheidet das Relay, das gefragt wird, während der Absender wartet.
domain-unknown-peers-relay-unasked = Alle Peers werden gefragt; was keiner hat, wird angenommen und ungefragt an das Relay gesendet.

domain-effect-nothing = Nichts ändert sich.
domain-effect-users-here = { $count ->
    [0] Kein Postfach liegt auf diesem Server.
    [one] Ein Benutzer mit Postfach auf diesem Server bleibt hier.
   *[other] { $count } Benutzer mit Postfach auf diesem Server bleiben hier.
}
domain-effect-users-relayed = { $count ->
    [0] Hier ist kein Fremdserver-Benutzer bekannt; { $relay } erhält die Mail derer, die es sein werden.
    [one] Mail eines Fremdserver-Benutzers geht an { $relay }.
   *[other] Mail von { $count } Fremdserver-Benutzern geht an { $relay }.
}
domain-effect-users-move = { $count ->
    [one] Mail eines Fremdserver-Benutzers geht an { $to } statt an { $from }, auch die wartende.
   *[other] Mail von { $count } Fremdserver-Benutzern geht an { $to } statt an { $from }, auch die wartende.
}
domain-effect-users-own-target = { $count ->
    [one] Ein Fremdserver-Benutzer behält sein eigenes Ziel.
   *[other] { $count } Fremdserver-Benutzer behalten ihre eigenen Ziele.
}
domain-effect-cached = { $count ->
    [one] Eine gemerkte Antwort von { $server } zu dieser Domain ist betroffen.
   *[other] { $count } gemerkte Antworten von { $server } zu dieser Domain sind betroffen.
}
domain-effect-names-added = Hinzugefügte Alias-Domains: { $names }.
domain-effect-names-removed = Entfernte Alias-Domains: { $names }.
domain-effect-peers = Peers vorher: { $before }. Peers nachher: { $after }.
domain-effect-peers-on = Domain-Sharing beginnt mit: { $after }.
domain-effect-peers-off = Domain-Sharing endet mit: { $before }.
domain-effect-protect-on = Absender dieser Domain von außen werden ohne Anmeldung abgelehnt.
domain-effect-protect-off = Absender dieser Domain von außen werden ohne Anmeldung angenommen.
domain-effect-postmaster = Postmaster vorher: { $before }. Postmaster nachher: { $after }.
domain-effect-quota = Ein Kontingent ändert sich ({ $which }).

domain-warning-relay-unreachable = { $relay } ist zurzeit nicht erreichbar ({ $detail }). Mail dorthin würde in der Warteschlange warten.
domain-warning-relay-refuses = { $relay } nimmt keine Mail von diesem Server an ({ $detail }).
domain-warning-relay-lacks-domain = { $relay } scheint diese Domain nicht zu bedienen ({ $detail }).
domain-warning-relay-takes-everything = { $relay } nimmt auch Adressen an, die niemand hat. Werden unbekannte Adressen weitergeleitet, wird jede vertippte Adresse angenommen, und niemand sagt es dem Absender rechtzeitig.
domain-warning-relay-own-name = { $relay } ist ein Name der Domain selbst. Mail geht an den Host dieses Namens, nicht an seinen MX; jetzt führt er nicht zu diesem Server, eine Änderung im DNS könnte das ändern. Sicherer ist ein eigener Name für den anderen Server.
domain-warning-verify-none = Unbekannte Adressen werden ungefragt an { $relay } gesendet. Was es ablehnt, wird zu Berichten an womöglich gefälschte Absender.
domain-warning-unknown-refused = { $users ->
    [one] Von jetzt an werden nur noch hier bekannte Adressen angenommen: die eines Benutzers. Alle anderen werden als unbekannt abgelehnt.
   *[other] Von jetzt an werden nur noch hier bekannte Adressen angenommen: die von { $users } Benutzern. Alle anderen werden als unbekannt abgelehnt.
}
domain-warning-went-round = { $count ->
    [one] Mail dieser Domain ist schon einmal von { $relay } zurückgekommen. Prüfen Sie, ob es unbekannte Adressen an diesen Server weiterleitet.
   *[other] Mail dieser Domain ist schon { $count }-mal von { $relay } zurückgekommen. Prüfen Sie, ob es unbekannte Adressen an diesen Server weiterleitet.
}
domain-warning-peers-silent = Diese Peers antworten zurzeit nicht: { $peers }. Solange das so ist, sollen Fremde es bei jeder unbekannten Adresse später versuchen.
domain-warning-sharing-ends = Diese Peers werden nicht mehr gefragt: { $peers }. Adressen, die nur sie haben, werden hier unbekannt.
domain-warning-protect-without-sources = Mail von { $servers } wird nur an der Adresse des Hosts erkannt. Sendet er auch von anderen Adressen, wird Mail seiner Benutzer abgelehnt: Tragen Sie zuerst seine Quellen ein.

done-domain-made = Die Domain wurde angelegt.
done-domain-saved = Die Domain wurde gespeichert.
done-domain-removed = Die Domain wurde entfernt.

domain-tab-signing = Signatur
signing-lead = Was Benutzer dieser Domain senden, wird mit jedem Schlüssel der Domain in seinem From signiert (DKIM). Andere Server suchen den Eintrag im DNS.
signing-none = Kein Schlüssel: Mail dieser Domain wird nicht signiert.
signing-algorithm = Art
signing-algorithm-rsa = RSA, 2048 Bit
signing-algorithm-ed25519 = Ed25519
signing-algorithm-hint-rsa = Jeder Prüfer kennt sie.
signing-algorithm-hint-ed25519 = Kurz. Prüfer, die sie nicht kennen, nehmen einen RSA-Schlüssel daneben.
signing-record-name = Name im DNS
signing-record = TXT-Eintrag
signing-copy = Eintrag kopieren
signing-published-yes = Das DNS hat ihn
signing-published-no = Nicht im DNS
signing-published-other = Das DNS hat einen anderen Schlüssel
signing-published-unknown = Das DNS antwortet nicht
signing-mend-yes = Prüfer finden ihn.
signing-mend-no = Veröffentlichen Sie den TXT-Eintrag unter diesem Namen. Bis dahin kann niemand die Signatur prüfen.
signing-mend-other = Ersetzen Sie den TXT-Eintrag dieses Namens. Bis dahin gelten Signaturen mit diesem Schlüssel als gefälscht.
signing-mend-unknown = Kein Nameserver konnte gefragt werden. Der TXT-Eintrag muss dort stehen.
signing-new = Neuer Schlüssel
signing-domain = Signiert für
signing-domain-hint = Der Name im From. Jeder Alias braucht einen eigenen Schlüssel.
signing-selector = Selektor
signing-selector-hint = Der Name des Schlüssels. Leer: wp mit Jahr und Monat.
signing-make = Schlüssel anlegen
signing-remove-title = Schlüssel entfernen?
signing-remove-lead = Danach wird nichts mehr mit ihm signiert, und er lässt sich nicht zurückholen. Lassen Sie seinen Eintrag eine Woche im DNS: Mail unterwegs ist mit ihm signiert.
done-signing-made = Der Schlüssel wurde angelegt. Veröffentlichen Sie jetzt seinen Eintrag.
done-signing-removed = Der Schlüssel wurde entfernt.
