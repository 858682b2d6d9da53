fault-accept-of-everybody = Es gehört zu minger.secrets, die alle benutzen dürfen.
mend-accept-of-everybody = Geben Sie jedem Peer ein eigenes Geheimnis, oder lassen Sie es leer.
fault-accept-of-peer = Der Peer { $other } hat dasselbe.
mend-accept-of-peer = Geben Sie jedem Peer ein eigenes Geheimnis, oder lassen Sie es leer.
fault-address-not-of-domain = { $address }: { $wanted } ist kein Name der Domain { $main }.
mend-address-not-of-domain = Nehmen Sie { $main } oder eine ihrer Alias-Domains, oder fügen Sie die Alias-Domain hinzu.
fault-address-taken = { $address }: { $there } gehört schon zu: { $object }.
mend-address-taken = Eine Adresse gehört nur einem: Entfernen Sie sie zuerst dort, oder lassen Sie sie hier weg.
fault-addresses-none = Es gibt keine Adresse, so käme keine Mail an.
mend-addresses-none = Geben Sie mindestens eine an; die erste ist die Standardadresse.
fault-addresses-overlap = { $address } und { $other } sind bei manchem Domainnamen dieselbe Adresse.
mend-addresses-overlap = Entfernen Sie eine davon.
fault-admin-is-user = Das gilt nur für Anmeldenamen ohne @.
mend-admin-is-user = Lassen Sie es weg: Er meldet sich mit dem Passwort an, das er als Benutzer hat.
fault-admin-needs-domain = Die Rolle { $role } braucht Domains.
mend-admin-needs-domain = Nennen Sie mindestens eine, oder * für alle.
fault-admin-no-login = „{ $login }“ ist kein Anmeldename eines Benutzers.
mend-admin-no-login = Schreiben Sie Anmeldename@Domain eines Benutzers, oder lassen Sie das @ weg.
fault-admin-no-user = Das ist kein hiesiger Benutzer, der sich anmelden darf.
mend-admin-no-user = Nennen Sie einen solchen als Anmeldename@Domain, oder wählen Sie einen Namen ohne @.
fault-alias-is-ip = { $alias } ist eine IP-Adresse.
mend-alias-is-ip = Eine Alias-Domain ist ein Name, etwa example.org.
fault-alias-twice = { $alias } steht zweimal da oder ist der Hauptname.
mend-alias-twice = Entfernen Sie sie einmal.
fault-alias-used = { $count ->
    [one] Es fehlt eine Alias-Domain, die eine Adresse benutzt ({ $object }).
   *[other] Es fehlt eine Alias-Domain, die { $count } Adressen benutzen, etwa die von: { $object }.
}
mend-alias-used = Ändern oder entfernen Sie zuerst diese Adressen.
fault-client-login-missing = Der Name fehlt, und ein Passwort ist angegeben.
mend-client-login-missing = Geben Sie beides an, oder nichts.
fault-client-login-taken = { $other } meldet sich mit demselben Namen an.
mend-client-login-taken = Geben Sie jedem Server einen eigenen Namen, oder entfernen Sie ihn zuerst dort.
fault-client-password-missing = Das Passwort fehlt, und ein Name ist angegeben.
mend-client-password-missing = Geben Sie beides an, oder nichts.
fault-client-pin-taken = { $other } wird am selben Schlüssel erkannt.
mend-client-pin-taken = Geben Sie jedem Server ein Zertifikat mit eigenem Schlüssel, oder entfernen Sie ihn zuerst dort.
fault-connections = { $connections } Verbindungen sind nicht möglich.
mend-connections = Geben Sie eine Zahl von 1 bis { $max } an; um zu pausieren, halten Sie das Ziel an.
fault-domain-has-groups = { $count ->
    [one] Die Domain hat eine Gruppe: { $name }.
   *[other] Die Domain hat { $count } Gruppen, etwa { $name }.
}
mend-domain-has-groups = Entfernen Sie diese zuerst.
fault-domain-has-mailboxes = { $count ->
    [one] Die Domain hat ein gemeinsames Postfach: { $name }.
   *[other] Die Domain hat { $count } gemeinsame Postfächer, etwa { $name }.
}
mend-domain-has-mailboxes = Entfernen Sie diese zuerst.
fault-domain-has-users = { $count ->
    [one] Die Domain hat einen Benutzer: { $name }.
   *[other] Die Domain hat { $count } Benutzer, etwa { $name }.
}
mend-domain-has-users = Entfernen Sie diese zuerst.
fault-domain-is-ip = Das ist eine IP-Adresse.
mend-domain-is-ip = Eine Domain hat einen Namen, etwa example.com.
fault-domain-name-taken = { $name } ist ein Name der Domain { $other }.
mend-domain-name-taken = Entfernen Sie ihn zuerst aus { $other }, oder lassen Sie ihn hier weg.
fault-domain-of-admins = Sie gehört zu den Domains von: { $objects }.
mend-domain-of-admins = Nehmen Sie sie zuerst aus deren Domains, oder entfernen Sie diese.
fault-domain-unknown = Es gibt keine Domain mit dem Hauptnamen { $name }.
mend-domain-unknown = Legen Sie die Domain zuerst an, oder nehmen Sie statt eines Alias ihren Hauptnamen.
fault-edit-twice = Es steht zweimal da.
mend-edit-twice = Schreiben Sie es einmal, mit allem, was gelten soll.
fault-exists = Es ist schon da.
mend-exists = Ändern Sie es, statt es anzulegen.
fault-forward-needs-relay = Ohne Relay können unbekannte Adressen nicht weitergeleitet werden.
mend-forward-needs-relay = Nennen Sie ein Relay, oder schalten Sie die Weiterleitung aus.
fault-gateway-is-served = { $name } ist ein Name der verwalteten Domain { $served }.
mend-gateway-is-served = Eine Domain wird entweder hier verwaltet oder ist eine Gateway-Domain: Entfernen Sie den Namen zuerst dort.
fault-group-in-itself = Die Gruppe enthielte sich selbst: { $path }.
mend-group-in-itself = Entfernen Sie eines dieser Mitglieder.
fault-group-owner-is-group = { $owner } ist die Gruppe selbst; sie bekäme ihre eigenen Unzustellbarkeitsmeldungen.
mend-group-owner-is-group = Nennen Sie die Adresse einer Person.
fault-hold-of-nothing = Das gibt es nicht: { $object }.
mend-hold-of-nothing = Prüfen Sie die Schreibweise.
fault-host-asked-by-gateway = Die Gateway-Domain { $domain } fragt dieses Ziel über Minger, und ein MX kann mehrere Hosts bedeuten.
mend-host-asked-by-gateway = Geben Sie zuerst der Gateway-Domain einen Minger-Host.
fault-host-is-here = { $host } Port { $port } ist dieser Server selbst.
mend-host-is-here = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-host-is-here-minger = { $host } Port { $port } (Minger) ist dieser Server selbst.
mend-host-is-here-minger = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-host-is-hostname = { $host } ist der Name dieses Servers selbst (hostname in seiner Konfiguration), Port { $port }.
mend-host-is-hostname = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-host-is-hostname-minger = { $host } ist der Name dieses Servers selbst (hostname in seiner Konfiguration), Port { $port } (Minger).
mend-host-is-hostname-minger = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-host-of-own-name = { $host } ist der Name der Domain selbst und führt zu diesem Server, Port { $port }.
mend-host-of-own-name = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-host-of-own-name-minger = { $host } ist der Name der Domain selbst und führt zu diesem Server, Port { $port } (Minger).
mend-host-of-own-name-minger = Nennen Sie den anderen Server mit einem Namen oder einer Adresse, die zu ihm führt.
fault-list-missing = Die Datei fehlt, und die Empfänger sollen mit ihr geprüft werden.
mend-list-missing = Nennen Sie die Datei mit den Adressen, etwa /etc/waypost/branch.addresses.
fault-list-not-whole = { $path } nennt keinen Ordner.
mend-list-not-whole = Schreiben Sie den ganzen Pfad, ab dem ersten /.
fault-login-is-mailbox = Ein gemeinsames Postfach der Domain heißt so.
mend-login-is-mailbox = Wählen Sie einen anderen Anmeldenamen, oder benennen Sie das gemeinsame Postfach um.
fault-member-needs-address = Das gemeinsame Postfach { $name } hat ihn unter { $address } als Mitglied.
mend-member-needs-address = Behalten Sie diese Adresse, oder ändern Sie zuerst dort das Mitglied.
fault-member-no-user = { $member } ist keine Adresse eines Benutzers.
mend-member-no-user = Nennen Sie Benutzer mit einer ihrer Adressen; Gruppen und Fremde können es nicht teilen.
fault-member-removed = Das gemeinsame Postfach { $name } hat ihn als Mitglied, als { $address }.
mend-member-removed = Nehmen Sie ihn zuerst aus dessen Mitgliedern.
fault-minger-host-is-mx = mx:{ $name } kann mehrere Server bedeuten, und gefragt wird einer.
mend-minger-host-is-mx = Nennen Sie den, der über Minger antwortet.
fault-minger-host-missing = Er fehlt, und das Ziel liegt auf { $host }.
mend-minger-host-missing = Nennen Sie den einen Server, der über Minger antwortet.
fault-minger-secret = Das ist kein Geheimnis, das Server über Minger benutzen können.
mend-minger-secret = Schreiben Sie 16 bis 50 sichtbare ASCII-Zeichen ohne Leerzeichen.
fault-missing = Es ist nicht da.
mend-missing = Prüfen Sie die Schreibweise, oder legen Sie es an.
fault-name = „{ $name }“ ist nicht möglich.
mend-name = Nehmen Sie 1 bis { $max } Zeichen aus a–z, 0–9 und { $others }, am Anfang einen Buchstaben oder eine Ziffer.
fault-name-is-gateway = { $name } ist eine Gateway-Domain, die auf einem anderen Server liegt.
mend-name-is-gateway = Entfernen Sie zuerst die Gateway-Domain, oder lassen Sie den Namen hier weg.
fault-name-is-user = Ein Benutzer der Domain hat diesen Anmeldenamen.
mend-name-is-user = Wählen Sie einen anderen Namen.
fault-password-in-clear = TLS ist aus, und das Passwort ginge im Klartext über die Leitung.
mend-password-in-clear = Wählen Sie „Opportunistisch“ oder mehr, oder nehmen Sie Name und Passwort weg.
fault-password-missing = Das Passwort fehlt, und ein Name ist angegeben.
mend-password-missing = Geben Sie beides an, oder nichts.
fault-peer-is-mx = mx:{ $name } kann mehrere Server bedeuten, und ein Peer ist einer, der gefragt wird.
mend-peer-is-mx = Nennen Sie den Server, der die Postfächer hat und über Minger antwortet.
fault-peer-is-target = { $name } ist ein Ziel und kein Peer.
mend-peer-is-target = Fügen Sie unter Domain-Sharing einen Peer hinzu, oder machen Sie es in der Site-Datei zu einem [[peer]] gleichen Namens; was es nennt, bleibt dann.
fault-peer-unanswered = { $domain } ist mit ihm geteilt, und er könnte nicht zurückfragen: Dieser Server antwortet nicht über Minger.
mend-peer-unanswered = Setzen Sie listen.minger in der Konfigurationsdatei, und starten Sie neu.
fault-peer-unknown = Es gibt keinen Peer „{ $name }“.
mend-peer-unknown = Fügen Sie ihn zuerst hinzu.
fault-peer-without-secret = { $domain } ist mit ihm geteilt, und er könnte nicht zurückfragen: Kein Geheimnis lässt ihn diesen Server fragen.
mend-peer-without-secret = Geben Sie dem Peer ein Geheimnis, das er hier benutzt, oder setzen Sie unter [minger] der Konfigurationsdatei secrets oder anonymous = true.
fault-pin-missing = Der Schlüssel fehlt, und verlangt ist der angeheftete.
mend-pin-missing = Geben Sie die SHA-256 des öffentlichen Schlüssels in 64 Hexadezimalziffern an.
fault-pin-unused = Er ist angegeben, aber die TLS-Regel ist: { $tls }.
mend-pin-unused = Entfernen Sie ihn, oder wählen Sie „Angeheftet“.
fault-port-zero = 0 ist kein Port.
mend-port-zero = Ein Port liegt zwischen 1 und 65535.
fault-postmaster-is-role = Für { $address } sucht diese Einstellung gerade eine Adresse.
mend-postmaster-is-role = Nennen Sie die Adresse einer Person, oder geben Sie einem Benutzer diese Adresse.
fault-quota-above-max = { $own_bytes } sind mehr als erlaubt ({ $limit }: { $max_bytes }).
mend-quota-above-max = Geben Sie weniger, oder erhöhen Sie das höchste Kontingent der Domain.
fault-quota-none = In dieser Domain ist kein Postfach ohne Grenze ({ $limit }: { $max_bytes }).
mend-quota-none = Geben Sie ein Kontingent bis zum höchsten an, oder lassen Sie es für den Standard der Domain weg.
fault-quota-shared-default = Das Standardkontingent gemeinsamer Postfächer ({ $default_bytes }) ist größer als das höchste ({ $max_bytes }).
mend-quota-shared-default = Senken Sie den Standard, erhöhen Sie das höchste, oder heben Sie es auf.
fault-quota-shared-over = { $count ->
    [one] Ein gemeinsames Postfach hat mehr als das höchste Kontingent, oder gar keine Grenze: { $name }.
   *[other] { $count } gemeinsame Postfächer haben mehr als das höchste Kontingent, oder gar keine Grenze, etwa { $name }.
}
mend-quota-shared-over = Senken oder entfernen Sie zuerst deren eigenes Kontingent, oder erhöhen Sie das höchste.
fault-quota-too-large = Das ist zu groß.
mend-quota-too-large = Geben Sie weniger als 8 EiB an, oder 0 für keine Grenze.
fault-quota-user-default = Das Standardkontingent der Benutzer ({ $default_bytes }) ist größer als das höchste ({ $max_bytes }).
mend-quota-user-default = Senken Sie den Standard, erhöhen Sie das höchste, oder heben Sie es auf.
fault-quota-user-over = { $count ->
    [one] Ein Benutzer hat mehr als das höchste Kontingent, oder gar keine Grenze: { $name }.
   *[other] { $count } Benutzer haben mehr als das höchste Kontingent, oder gar keine Grenze, etwa { $name }.
}
mend-quota-user-over = Senken oder entfernen Sie zuerst deren eigenes Kontingent, oder erhöhen Sie das höchste.
fault-relay-needed = { $count ->
    [one] Ein Fremdserver-Benutzer braucht es: { $login }.
   *[other] { $count } Fremdserver-Benutzer brauchen es, etwa { $login }.
}
mend-relay-needed = Geben Sie diesen zuerst ein eigenes Ziel oder eine andere Mail-Art.
fault-relay-unknown = Es gibt kein Ziel „{ $name }“.
mend-relay-unknown = Legen Sie das Ziel zuerst an, oder nennen Sie mit Host:Port einen Host.
fault-relayed-not-his = { $address } gehört nicht zu den Adressen des Benutzers.
mend-relayed-not-his = Fügen Sie sie in derselben Form zu den Adressen hinzu, oder leiten Sie sie nicht weiter.
fault-revision-stale = Es hat inzwischen die Revision { $found } statt { $wanted }: Jemand hat es geändert.
mend-revision-stale = Sehen Sie es noch einmal an, und entscheiden Sie neu.
fault-sharing-unanswered = Der Peer { $peer } könnte nicht zurückfragen: Dieser Server antwortet nicht über Minger.
mend-sharing-unanswered = Setzen Sie listen.minger in der Konfigurationsdatei, und starten Sie neu.
fault-sharing-without-secret = Der Peer { $peer } könnte nicht zurückfragen: Kein Geheimnis lässt ihn diesen Server fragen.
mend-sharing-without-secret = Geben Sie dem Peer ein Geheimnis, das er hier benutzt, oder setzen Sie unter [minger] der Konfigurationsdatei secrets oder anonymous = true.
fault-superadministrator-everywhere = Ein Superadministrator ist nicht auf Domains beschränkt.
mend-superadministrator-everywhere = Wählen Sie alle Domains, oder eine andere Rolle.
fault-superadministrator-last = Es bliebe kein Superadministrator, der sich anmelden kann.
mend-superadministrator-last = Geben Sie zuerst einem anderen Administrator diese Rolle und ein Passwort.
fault-target-unknown = Es gibt kein Ziel „{ $name }“.
mend-target-unknown = Legen Sie das Ziel zuerst an, oder lassen Sie es für das Relay der Domain leer.
fault-target-used = Es wird benutzt von: { $objects }.
mend-target-used = Lassen Sie diese zuerst ein anderes benutzen, oder keines.
fault-target-was-peer = Es ist ein Peer, mit dem { $domain } geteilt ist, und wäre dann keiner mehr.
mend-target-was-peer = Nehmen Sie ihn zuerst aus dem Domain-Sharing der Domain.
fault-text-control = Darin ist ein Steuerzeichen.
mend-text-control = Entfernen Sie es.
fault-text-too-long = Es ist länger als { $octets } Oktette.
mend-text-too-long = Kürzen Sie es.
fault-there-twice = { $value } steht zweimal da.
mend-there-twice = Entfernen Sie es einmal.
fault-third-party-only = Das gilt nur für Benutzer auf dem Mailserver eines Dritten.
mend-third-party-only = Lassen Sie es weg, oder wählen Sie „Mailserver eines Dritten“.
fault-token-admin-other = Ein Token bleibt bei dem Administrator, der es gemacht hat.
mend-token-admin-other = Widerrufen Sie es, und machen Sie ein neues.
fault-token-admin-unknown = Es gibt keinen Administrator „{ $login }“.
mend-token-admin-unknown = Legen Sie ihn zuerst an.
fault-token-domains = Das sind mehr Domains als die von { $login }.
mend-token-domains = Wählen Sie aus: { $domains }
fault-token-expired = Das liegt nicht in der Zukunft.
mend-token-expired = Geben Sie einen späteren Zeitpunkt an.
fault-token-grant = { $grant } ist { $login } nicht gewährt.
mend-token-grant = Lassen Sie es weg.
fault-token-id = „{ $id }“ ist nicht möglich.
mend-token-id = Nehmen Sie { $count } Zeichen aus a–z und 2–7.
fault-token-role = { $role } ist mehr, als { $login } darf: { $owner_role }.
mend-token-role = Geben Sie diese Rolle oder weniger.
fault-token-secret-taken = Ein anderes Token hat dieses Geheimnis.
mend-token-secret-taken = Machen Sie ein anderes.
fault-user-needs-relay = Ein Fremdserver-Benutzer braucht ein Relay der Domain oder ein eigenes Ziel.
mend-user-needs-relay = Stellen Sie bei der Domain ein Relay ein, oder beim Benutzer ein Ziel.
fault-username-missing = Der Name fehlt, und ein Passwort ist angegeben.
mend-username-missing = Geben Sie beides an, oder nichts.
