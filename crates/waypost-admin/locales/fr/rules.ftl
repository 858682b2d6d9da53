fault-accept-of-everybody = C’est l’un des minger.secrets, que tous peuvent utiliser.
mend-accept-of-everybody = Donnez à chaque pair un secret propre, ou laissez ce champ vide.
fault-accept-of-peer = Le pair { $other } a le même.
mend-accept-of-peer = Donnez à chaque pair un secret propre, ou laissez ce champ vide.
fault-address-not-of-domain = { $address } : { $wanted } n’est pas un nom du domaine { $main }.
mend-address-not-of-domain = Prenez { $main } ou l’un de ses alias, ou ajoutez cet alias au domaine.
fault-address-taken = { $address } : { $there } appartient déjà à : { $object }.
mend-address-taken = Une adresse n’appartient qu’à un seul : retirez-la d’abord là-bas, ou ne la mettez pas ici.
fault-addresses-none = Il n’y a aucune adresse ; aucun courrier n’arriverait.
mend-addresses-none = Indiquez-en au moins une ; la première est l’adresse par défaut.
fault-addresses-overlap = { $address } et { $other } sont la même adresse dans l’un des noms du domaine.
mend-addresses-overlap = Retirez l’une des deux.
fault-admin-is-user = Cela ne vaut que pour les identifiants sans @.
mend-admin-is-user = Ne l’indiquez pas : il se connecte avec le mot de passe qu’il a comme utilisateur.
fault-admin-needs-domain = Le rôle { $role } a besoin de domaines.
mend-admin-needs-domain = Nommez-en au moins un, ou écrivez * pour tous.
fault-admin-no-login = « { $login } » n’est l’identifiant d’aucun utilisateur.
mend-admin-no-login = Écrivez identifiant@domaine pour un utilisateur, ou supprimez le @.
fault-admin-no-user = Ce n’est pas un utilisateur de ce serveur qui peut se connecter.
mend-admin-no-user = Nommez un tel utilisateur par identifiant@domaine, ou choisissez un identifiant sans @.
fault-alias-is-ip = { $alias } est une adresse IP.
mend-alias-is-ip = Un alias est un nom, par exemple example.org.
fault-alias-twice = { $alias } figure deux fois, ou est le nom principal.
mend-alias-twice = Retirez-le une fois.
fault-alias-used = { $count ->
    [one] Il manque un alias que { $count } adresse utilise ({ $object }).
   *[other] Il manque un alias que { $count } adresses utilisent, par exemple celle de : { $object }.
}
mend-alias-used = Modifiez ou supprimez d’abord ces adresses.
fault-client-login-missing = Le nom manque, alors qu’un mot de passe est donné.
mend-client-login-missing = Donnez les deux, ou aucun.
fault-client-login-taken = { $other } s’identifie avec le même nom.
mend-client-login-taken = Donnez à chaque serveur un nom propre, ou retirez-le d’abord là-bas.
fault-client-password-missing = Le mot de passe manque, alors qu’un nom est donné.
mend-client-password-missing = Donnez les deux, ou aucun.
fault-client-pin-taken = { $other } est reconnu à la même clé.
mend-client-pin-taken = Donnez à chaque serveur un certificat avec une clé propre, ou retirez-la d’abord là-bas.
fault-connections = { $connections } connexions ne sont pas possibles.
mend-connections = Indiquez un nombre de 1 à { $max } ; pour faire une pause, suspendez la cible.
fault-domain-has-groups = { $count ->
    [one] Le domaine contient { $count } groupe : { $name }.
   *[other] Le domaine contient { $count } groupes, par exemple { $name }.
}
mend-domain-has-groups = Supprimez-les d’abord.
fault-domain-has-mailboxes = { $count ->
    [one] Le domaine contient { $count } boîte partagée : { $name }.
   *[other] Le domaine contient { $count } boîtes partagées, par exemple { $name }.
}
mend-domain-has-mailboxes = Supprimez-les d’abord.
fault-domain-has-users = { $count ->
    [one] Le domaine contient { $count } utilisateur : { $name }.
   *[other] Le domaine contient { $count } utilisateurs, par exemple { $name }.
}
mend-domain-has-users = Supprimez-les d’abord.
fault-domain-is-ip = C’est une adresse IP.
mend-domain-is-ip = Un domaine a un nom, par exemple example.com.
fault-domain-name-taken = { $name } est un nom du domaine { $other }.
mend-domain-name-taken = Retirez-le d’abord de { $other }, ou ne le mettez pas ici.
fault-domain-of-admins = Il fait partie des domaines de : { $objects }.
mend-domain-of-admins = Retirez-le d’abord de leurs domaines, ou supprimez-les.
fault-domain-unknown = Aucun domaine n’a { $name } pour nom principal.
mend-domain-unknown = Créez d’abord le domaine, ou remplacez l’alias par son nom principal.
fault-edit-twice = Il figure deux fois.
mend-edit-twice = Écrivez-le une fois, avec tout ce qu’il doit dire.
fault-exists = Il existe déjà.
mend-exists = Modifiez-le au lieu de l’ajouter.
fault-forward-needs-relay = Sans relais, les adresses inconnues ne peuvent pas être renvoyées.
mend-forward-needs-relay = Indiquez un relais, ou décochez le renvoi.
fault-gateway-is-served = { $name } est un nom du domaine supervisé { $served }.
mend-gateway-is-served = Un domaine est soit supervisé ici, soit un domaine passerelle : retirez d’abord le nom là-bas.
fault-group-in-itself = Le groupe se contiendrait lui-même : { $path }.
mend-group-in-itself = Retirez l’un de ces membres.
fault-group-owner-is-group = { $owner } est le groupe lui-même, qui recevrait ses propres rapports de non-remise.
mend-group-owner-is-group = Nommez l’adresse d’une personne.
fault-hold-of-nothing = Cela n’existe pas : { $object }.
mend-hold-of-nothing = Vérifiez l’orthographe.
fault-host-asked-by-gateway = Le domaine passerelle { $domain } l’interroge par Minger, et un MX peut désigner plusieurs hôtes.
mend-host-asked-by-gateway = Donnez d’abord un hôte Minger à ce domaine passerelle.
fault-host-is-here = { $host } port { $port } est ce serveur lui-même.
mend-host-is-here = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-host-is-here-minger = { $host } port { $port } (Minger) est ce serveur lui-même.
mend-host-is-here-minger = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-host-is-hostname = { $host } est le nom de ce serveur lui-même (hostname dans sa configuration), port { $port }.
mend-host-is-hostname = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-host-is-hostname-minger = { $host } est le nom de ce serveur lui-même (hostname dans sa configuration), port { $port } (Minger).
mend-host-is-hostname-minger = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-host-of-own-name = { $host } est le nom du domaine lui-même, et mène à ce serveur, port { $port }.
mend-host-of-own-name = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-host-of-own-name-minger = { $host } est le nom du domaine lui-même, et mène à ce serveur, port { $port } (Minger).
mend-host-of-own-name-minger = Désignez l’autre serveur par un nom ou une adresse qui mène à lui.
fault-list-missing = Le fichier manque, alors que les destinataires doivent y être vérifiés.
mend-list-missing = Nommez le fichier d’adresses, par exemple /etc/waypost/branch.addresses.
fault-list-not-whole = { $path } n’indique aucun dossier.
mend-list-not-whole = Écrivez le chemin complet, depuis le premier /.
fault-login-is-mailbox = Une boîte partagée du domaine porte ce nom.
mend-login-is-mailbox = Choisissez un autre identifiant, ou renommez la boîte partagée.
fault-member-needs-address = La boîte partagée { $name } l’a pour membre sous { $address }.
mend-member-needs-address = Gardez cette adresse, ou changez d’abord le membre là-bas.
fault-member-no-user = { $member } n’est l’adresse d’aucun utilisateur.
mend-member-no-user = Nommez les utilisateurs par l’une de leurs adresses ; ni les groupes ni les inconnus ne peuvent la partager.
fault-member-removed = La boîte partagée { $name } l’a pour membre, sous { $address }.
mend-member-removed = Retirez-le d’abord de ses membres.
fault-minger-host-is-mx = mx:{ $name } peut désigner plusieurs serveurs, et un seul est interrogé.
mend-minger-host-is-mx = Nommez celui qui répond à Minger.
fault-minger-host-missing = Il manque, et la cible se trouve à { $host }.
mend-minger-host-missing = Nommez le serveur, un seul, qui répond à Minger.
fault-minger-secret = Ce n’est pas un secret que des serveurs puissent utiliser par Minger.
mend-minger-secret = Écrivez 16 à 50 caractères ASCII visibles, sans espaces.
fault-missing = Il n’existe pas.
mend-missing = Vérifiez l’orthographe, ou ajoutez-le.
fault-name = « { $name } » n’est pas possible.
mend-name = Utilisez 1 à { $max } caractères parmi a–z, 0–9 et { $others }, avec une lettre ou un chiffre au début.
fault-name-is-gateway = { $name } est un domaine passerelle, qui se trouve sur un autre serveur.
mend-name-is-gateway = Supprimez d’abord le domaine passerelle, ou ne mettez pas ce nom ici.
fault-name-is-user = Un utilisateur du domaine a cet identifiant.
mend-name-is-user = Choisissez un autre nom.
fault-password-in-clear = TLS est désactivé, et le mot de passe passerait en clair.
mend-password-in-clear = Choisissez « Opportuniste » ou mieux, ou retirez le nom et le mot de passe.
fault-password-missing = Le mot de passe manque, alors qu’un nom est donné.
mend-password-missing = Donnez les deux, ou aucun.
fault-peer-is-mx = mx:{ $name } peut désigner plusieurs serveurs, et un pair en est un seul, qui est interrogé.
mend-peer-is-mx = Nommez le serveur qui a les boîtes et qui répond à Minger.
fault-peer-is-target = { $name } est une cible, pas un pair.
mend-peer-is-target = Ajoutez un pair sous Partage de domaine, ou faites-en un [[peer]] du même nom dans le fichier de site ; ce qui le nomme reste alors.
fault-peer-unanswered = { $domain } est partagé avec lui, et il ne pourrait pas interroger en retour : ce serveur ne répond pas à Minger.
mend-peer-unanswered = Définissez listen.minger dans le fichier de configuration, puis redémarrez.
fault-peer-unknown = Il n’y a pas de pair « { $name } ».
mend-peer-unknown = Ajoutez-le d’abord.
fault-peer-without-secret = { $domain } est partagé avec lui, et il ne pourrait pas interroger en retour : aucun secret ne lui permet d’interroger ce serveur.
mend-peer-without-secret = Donnez au pair un secret que lui seul utilise ici, ou définissez secrets ou anonymous = true sous [minger] dans le fichier de configuration.
fault-pin-missing = La clé manque, alors que la clé épinglée est exigée.
mend-pin-missing = Donnez le SHA-256 de la clé publique du serveur en 64 chiffres hexadécimaux.
fault-pin-unused = Elle est donnée, mais la politique TLS est : { $tls }.
mend-pin-unused = Retirez-la, ou choisissez « Épinglé ».
fault-port-zero = 0 n’est pas un port.
mend-port-zero = Un port est compris entre 1 et 65535.
fault-postmaster-is-role = { $address } est justement ce pour quoi ce réglage cherche une adresse.
mend-postmaster-is-role = Nommez l’adresse d’une personne, ou donnez cette adresse à un utilisateur.
fault-quota-above-max = { $own_bytes } dépassent la limite du domaine ({ $limit } : { $max_bytes }).
mend-quota-above-max = Réduisez-le, ou augmentez le maximum du domaine.
fault-quota-none = Dans ce domaine, aucune boîte n’est sans quota ({ $limit } : { $max_bytes }).
mend-quota-none = Donnez un quota jusqu’au maximum, ou n’en indiquez pas pour prendre celui du domaine.
fault-quota-shared-default = Le quota par défaut des boîtes partagées ({ $default_bytes }) dépasse le maximum ({ $max_bytes }).
mend-quota-shared-default = Réduisez le quota par défaut, augmentez le maximum, ou supprimez-le.
fault-quota-shared-over = { $count ->
    [one] { $count } boîte partagée a plus que le maximum, ou aucun quota : { $name }.
   *[other] { $count } boîtes partagées ont plus que le maximum, ou aucun quota, par exemple { $name }.
}
mend-quota-shared-over = Réduisez ou retirez d’abord leur propre quota, ou augmentez le maximum.
fault-quota-too-large = C’est trop grand.
mend-quota-too-large = Indiquez moins de 8 Eio, ou 0 pour aucun quota.
fault-quota-user-default = Le quota par défaut des utilisateurs ({ $default_bytes }) dépasse le maximum ({ $max_bytes }).
mend-quota-user-default = Réduisez le quota par défaut, augmentez le maximum, ou supprimez-le.
fault-quota-user-over = { $count ->
    [one] { $count } utilisateur a plus que le maximum, ou aucun quota : { $name }.
   *[other] { $count } utilisateurs ont plus que le maximum, ou aucun quota, par exemple { $name }.
}
mend-quota-user-over = Réduisez ou retirez d’abord leur propre quota, ou augmentez le maximum.
fault-relay-needed = { $count ->
    [one] { $count } utilisateur tiers en a besoin : { $login }.
   *[other] { $count } utilisateurs tiers en ont besoin, par exemple { $login }.
}
mend-relay-needed = Donnez-leur d’abord une cible propre ou un autre type de messagerie.
fault-relay-unknown = Il n’y a pas de cible « { $name } ».
mend-relay-unknown = Créez d’abord la cible, ou écrivez hôte:port pour nommer un hôte.
fault-relayed-not-his = { $address } n’est pas une adresse de l’utilisateur.
mend-relayed-not-his = Ajoutez-la à ses adresses sous la même forme, ou retirez-la des adresses relayées.
fault-revision-stale = Il en est à la révision { $found }, et non { $wanted } : quelqu’un l’a modifié.
mend-revision-stale = Regardez-le à nouveau, puis décidez.
fault-sharing-unanswered = Le pair { $peer } ne pourrait pas interroger en retour : ce serveur ne répond pas à Minger.
mend-sharing-unanswered = Définissez listen.minger dans le fichier de configuration, puis redémarrez.
fault-sharing-without-secret = Le pair { $peer } ne pourrait pas interroger en retour : aucun secret ne lui permet d’interroger ce serveur.
mend-sharing-without-secret = Donnez au pair un secret que lui seul utilise ici, ou définissez secrets ou anonymous = true sous [minger] dans le fichier de configuration.
fault-superadministrator-everywhere = Un superadministrateur n’est pas limité à des domaines.
mend-superadministrator-everywhere = Choisissez tous les domaines, ou un autre rôle.
fault-superadministrator-last = Il ne resterait aucun superadministrateur qui puisse se connecter.
mend-superadministrator-last = Donnez d’abord ce rôle et un mot de passe à un autre administrateur.
fault-target-unknown = Il n’y a pas de cible « { $name } ».
mend-target-unknown = Créez d’abord la cible, ou laissez ce champ vide pour le relais du domaine.
fault-target-used = Utilisée par : { $objects }.
mend-target-used = Faites-leur d’abord utiliser une autre cible, ou aucune.
fault-target-was-peer = C’est un pair avec lequel { $domain } est partagé, et il n’en serait plus un.
mend-target-was-peer = Retirez-le d’abord du partage de ce domaine.
fault-text-control = Il contient un caractère de contrôle.
mend-text-control = Supprimez-le.
fault-text-too-long = Il dépasse { $octets } octets.
mend-text-too-long = Raccourcissez-le.
fault-there-twice = { $value } figure deux fois.
mend-there-twice = Retirez-le une fois.
fault-third-party-only = Cela ne vaut que pour les utilisateurs d’un serveur de messagerie tiers.
mend-third-party-only = Retirez-le, ou choisissez « Serveur de messagerie tiers ».
fault-token-admin-other = Un jeton reste à l’administrateur qui l’a créé.
mend-token-admin-other = Révoquez-le, et créez-en un autre.
fault-token-admin-unknown = Il n’y a pas d’administrateur « { $login } ».
mend-token-admin-unknown = Créez d’abord l’administrateur.
fault-token-domains = Ce sont plus de domaines que ceux de { $login }.
mend-token-domains = Choisissez parmi : { $domains }
fault-token-expired = Ce n’est pas dans l’avenir.
mend-token-expired = Indiquez un moment à venir.
fault-token-grant = { $grant } n’est pas accordé à { $login }.
mend-token-grant = Ne l’indiquez pas.
fault-token-id = « { $id } » n’est pas possible.
mend-token-id = Utilisez { $count } caractères parmi a–z et 2–7.
fault-token-role = { $role } dépasse ce que peut { $login } : { $owner_role }.
mend-token-role = Donnez ce rôle, ou moins.
fault-token-secret-taken = Un autre jeton a ce secret.
mend-token-secret-taken = Créez un autre secret.
fault-user-needs-relay = Un utilisateur tiers a besoin d’un relais du domaine, ou d’une cible propre.
mend-user-needs-relay = Définissez le relais du domaine, ou la cible de l’utilisateur.
fault-username-missing = Le nom manque, alors qu’un mot de passe est donné.
mend-username-missing = Donnez les deux, ou aucun.
