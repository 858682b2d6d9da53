domains-title = Domaines supervisés
domains-lead = Les domaines de messagerie dont ce serveur décide.
domains-none = Aucun domaine pour l’instant.
domains-none-found = Aucun domaine ne porte cela dans l’un de ses noms.
domains-new = Nouveau domaine
domains-new-lead = Tout le reste peut être réglé ensuite. Tant qu’aucun relais ni partage de domaine n’est défini, les adresses inconnues sont refusées ici.
domains-search = Nom ou partie du nom
domains-name = Domaine
domains-aliases = Autres noms
domains-role = Rôle
domains-relay = Relais et pairs
domains-users = Utilisateurs
domains-state = État

domain-role-master = Maître
domain-role-slave = Esclave
domain-role-migration = Migration
domain-role-shared = Partagé
domain-role-plain = Simple
domain-role-means-master = Ce serveur connaît tous les utilisateurs ; le relais en héberge une partie.
domain-role-means-slave = Ce serveur connaît ses propres utilisateurs ; le relais décide de tous les autres.
domain-role-means-migration = Ce serveur connaît une partie des utilisateurs du relais ; le relais décide des adresses encore inconnues ici.
domain-role-means-shared = Les autres utilisateurs sont chez des pairs, qui sont interrogés.
domain-role-means-plain = Tous les utilisateurs du domaine sont ici.

domain-state-good = Rien à signaler
domain-state-held = Retenu
domain-state-both-forward = Les deux côtés renvoient les adresses inconnues
domain-state-accepts-everything = Le relais accepte toutes les adresses
domain-state-peer-silent = Un pair ne répond pas
domain-state-relay-degraded = Le relais connaît des échecs
domain-state-relay-down = Relais hors service
domain-state-relay-held = Relais retenu

domain-create = Créer
domain-create-edit = Créer et modifier
domain-name-hint = Le nom principal, par exemple example.com. Il ne change jamais.
domain-aliases-hint = Domaines alias, un par ligne. Les adresses pour tous les noms sont valables dans chacun d’eux.
domain-tabs = Réglages du domaine
domain-tab-general = Général
domain-tab-mail = Système de messagerie
domain-tab-routing = Routage du courrier
domain-postmaster = Postmaster
domain-postmaster-hint = Reçoit le courrier adressé à postmaster@ et abuse@ si aucun utilisateur n’a ces adresses. Vide : le relais s’il reçoit les adresses inconnues, sinon le postmaster de ce serveur.
domain-users-local = Boîtes ici
domain-users-third-party = Utilisateurs tiers
domain-users-none = Sans messagerie
domain-users-suspended = Suspendus

domain-quota-lead = Limites des boîtes de ce serveur. Pour les utilisateurs tiers, les limites sont celles de leur serveur.
domain-quota-user-max = Quota utilisateur maximal
domain-quota-user-default = Quota utilisateur par défaut
domain-quota-shared-max = Quota maximal des boîtes partagées
domain-quota-shared-default = Quota par défaut des boîtes partagées
domain-quota-hint-user-max = Un utilisateur peut recevoir n’importe quel quota, ou aucun.
domain-quota-hint-user-default = Sans quota propre, un utilisateur reçoit le maximum, s’il y en a un.
domain-quota-hint-shared-max = Une boîte partagée peut recevoir n’importe quel quota, ou aucun.
domain-quota-hint-shared-default = Sans quota propre, une boîte partagée reçoit le maximum, s’il y en a un.
quota-none = Aucun quota
quota-size = Fixer le quota à
quota-unit = Unité

domain-remove-which = Supprimer { $domain }
domain-remove-lead = Le courrier pour ce domaine sera alors refusé. Plus personne n’y a d’adresse.
domain-remove-in-the-way = Le domaine ne peut pas être supprimé tant qu’il contient :
domain-count-users = { $count ->
    [one] un utilisateur
   *[other] { $count } utilisateurs
}
domain-count-mailboxes = { $count ->
    [one] une boîte partagée
   *[other] { $count } boîtes partagées
}
domain-count-groups = { $count ->
    [one] un groupe
   *[other] { $count } groupes
}

routing-now = Adresses inconnues actuellement :
routing-title = Routage du courrier
routing-closed = Seul un administrateur habilité au routage peut changer le relais et le partage de domaine.
routing-relay = Relais pour les domaines découpés
routing-relay-hint = Le serveur qui héberge les autres utilisateurs : une cible, ou hôte[:port]. C’est l’hôte lui-même, pas son MX. Vide : tous les utilisateurs sont ici, ou sur des cibles qui leur sont propres. Le nom du domaine lui-même est refusé s’il mène à ce serveur.
routing-forward = Renvoyer les adresses inconnues sur le relais
routing-forward-hint = Non coché (maître) : ce serveur refuse les adresses qu’il ne connaît pas. Coché (esclave, migration) : c’est le relais qui en décide. Ne le cochez jamais des deux côtés.
routing-verify = Quand un inconnu écrit à une adresse inconnue
routing-verify-callout = Interroger d’abord le relais
routing-verify-callout-hint = Le relais est interrogé pendant que l’expéditeur attend ; ce qu’il refuse est aussi refusé ici.
routing-verify-none = Accepter sans interroger
routing-verify-none-hint = Toutes les adresses sont acceptées. Ce que le relais refuse ensuite revient en rapport à un expéditeur peut-être falsifié.
routing-sharing = Partage de domaine
routing-sharing-hint = Tous ces pairs sont interrogés sur les adresses inconnues. Si plusieurs ont l’adresse, le premier dans cet ordre reçoit le courrier. Si aucun ne l’a, le relais la reçoit ou elle est refusée ; si l’un ne répond pas, l’expéditeur réessaie plus tard.
routing-sharing-off = Désactivé : aucun pair n’est interrogé.
routing-no-peers = Il n’y a pas d’autre pair à ajouter.
routing-add-peer = Autre pair
routing-add = Ajouter
routing-up = Monter
routing-down = Descendre
routing-up-which = Monter { $peer }
routing-down-which = Descendre { $peer }
routing-drop-which = Retirer { $peer } de ce domaine
routing-senders = Expéditeurs
routing-protect = Refuser les expéditeurs de ce domaine venant de l’extérieur sans authentification
routing-protect-hint = Protège contre les expéditeurs falsifiés. Le relais et les pairs en sont exemptés : ils sont reconnus à leurs adresses, certificats ou identifiants. Les destinataires, même inconnus, ne sont pas concernés.
routing-preview = Aperçu de la modification

preview-title = Ce que fait cette modification
preview-before = Avant
preview-after = Après
preview-what-role = Rôle
preview-what-unknown = Adresses inconnues
preview-confirm = Je le sais et je le veux ainsi
preview-unconfirmed = Pas encore enregistré : cochez d’abord chaque avertissement, ou revenez en arrière.
preview-back = Retour au formulaire

domain-unknown-refused = Elles sont refusées ici (550).
domain-unknown-relay-asked = Le relais décide : il est interrogé pendant que l’expéditeur attend.
domain-unknown-relay-unasked = Toutes sont acceptées et envoyées au relais sans l’interroger.
domain-unknown-peers = Tous les pairs sont interrogés ; ce qu’aucun n’a est refusé ici (550).
domain-unknown-peers-relay-asked = Tous les pairs sont interrogés ; de ce qu’aucun n’a, c’est le relais qui décide, interrogé pendant que l’expéditeur attend.
domain-unknown-peers-relay-unasked = Tous les pairs sont interrogés ; ce qu’aucun n’a est accepté et envoyé au relais sans l’interroger.

domain-effect-nothing = Rien ne change.
domain-effect-users-here = { $count ->
    [0] Aucune boîte ne se trouve sur ce serveur.
    [one] Un utilisateur dont la boîte est sur ce serveur y reste.
   *[other] { $count } utilisateurs dont la boîte est sur ce serveur y restent.
}
domain-effect-users-relayed = { $count ->
    [0] Aucun utilisateur tiers n’est connu ici ; { $relay } recevra le courrier de ceux qui le seront.
    [one] Un utilisateur tiers est relayé vers { $relay }.
   *[other] { $count } utilisateurs tiers sont relayés vers { $relay }.
}
domain-effect-users-move = { $count ->
    [one] Un utilisateur tiers est relayé vers { $to } au lieu de { $from } ; son courrier en attente suit.
   *[other] { $count } utilisateurs tiers sont relayés vers { $to } au lieu de { $from } ; leur courrier en attente suit.
}
domain-effect-users-own-target = { $count ->
    [one] Un utilisateur tiers garde sa propre cible.
   *[other] { $count } utilisateurs tiers gardent leurs propres cibles.
}
domain-effect-cached = { $count ->
    [one] Une réponse mémorisée de { $server } sur ce domaine est concernée.
   *[other] { $count } réponses mémorisées de { $server } sur ce domaine sont concernées.
}
domain-effect-names-added = Domaines alias ajoutés : { $names }.
domain-effect-names-removed = Domaines alias retirés : { $names }.
domain-effect-peers = Pairs avant : { $before }. Pairs après : { $after }.
domain-effect-peers-on = Le partage de domaine commence avec : { $after }.
domain-effect-peers-off = Le partage de domaine prend fin avec : { $before }.
domain-effect-protect-on = Les expéditeurs de ce domaine venant de l’extérieur sont refusés sans authentification.
domain-effect-protect-off = Les expéditeurs de ce domaine venant de l’extérieur sont acceptés sans authentification.
domain-effect-postmaster = Postmaster avant : { $before }. Postmaster après : { $after }.
domain-effect-quota = Un quota change ({ $which }).

domain-warning-relay-unreachable = { $relay } est injoignable pour le moment ({ $detail }). Son courrier attendrait dans la file.
domain-warning-relay-refuses = { $relay } n’accepte pas le courrier de ce serveur ({ $detail }).
domain-warning-relay-lacks-domain = { $relay } ne semble pas servir ce domaine ({ $detail }).
domain-warning-relay-takes-everything = { $relay } accepte aussi des adresses que personne n’a. Si les adresses inconnues lui sont renvoyées, toute adresse mal saisie est acceptée, et personne n’en avertit l’expéditeur à temps.
domain-warning-relay-own-name = { $relay } est un nom du domaine lui-même. Le courrier va à l’hôte de ce nom, pas à son MX ; pour l’instant il ne mène pas à ce serveur, mais un changement du DNS pourrait l’y mener. Un nom propre à l’autre serveur est plus sûr.
domain-warning-verify-none = Les adresses inconnues seront envoyées à { $relay } sans l’interroger. Ce qu’il refuse devient des rapports à des expéditeurs peut-être falsifiés.
domain-warning-unknown-refused = { $users ->
    [one] Désormais, seules les adresses connues ici sont acceptées : celles d’un utilisateur. Toutes les autres sont refusées comme inconnues.
   *[other] Désormais, seules les adresses connues ici sont acceptées : celles de { $users } utilisateurs. Toutes les autres sont refusées comme inconnues.
}
domain-warning-went-round = { $count ->
    [one] Du courrier de ce domaine est déjà revenu une fois de { $relay }. Vérifiez s’il renvoie les adresses inconnues à ce serveur.
   *[other] Du courrier de ce domaine est déjà revenu { $count } fois de { $relay }. Vérifiez s’il renvoie les adresses inconnues à ce serveur.
}
domain-warning-peers-silent = Ces pairs ne répondent pas pour le moment : { $peers }. Tant que cela dure, les inconnus sont priés de réessayer plus tard pour toute adresse inconnue.
domain-warning-sharing-ends = Ces pairs ne seront plus interrogés : { $peers }. Les adresses qu’ils sont seuls à avoir deviennent inconnues ici.
domain-warning-protect-without-sources = Le courrier de { $servers } n’est reconnu qu’à l’adresse de son hôte. S’il envoie aussi depuis d’autres adresses, le courrier de ses utilisateurs sera refusé : indiquez d’abord ses sources.

done-domain-made = Le domaine a été créé.
done-domain-saved = Le domaine a été enregistré.
done-domain-removed = Le domaine a été supprimé.

domain-tab-signing = Signature
signing-lead = Ce que les utilisateurs de ce domaine envoient est signé avec chaque clé du domaine de son From (DKIM). Les autres serveurs cherchent l’enregistrement dans le DNS.
signing-none = Aucune clé : le courrier de ce domaine n’est pas signé.
signing-algorithm = Type
signing-algorithm-rsa = RSA, 2048 bits
signing-algorithm-ed25519 = Ed25519
signing-algorithm-hint-rsa = Tous les vérificateurs le connaissent.
signing-algorithm-hint-ed25519 = Courte. Les vérificateurs qui ne la connaissent pas utilisent une clé RSA à côté.
signing-record-name = Nom dans le DNS
signing-record = Enregistrement TXT
signing-copy = Copier l’enregistrement
signing-published-yes = Le DNS l’a
signing-published-no = Pas dans le DNS
signing-published-other = Le DNS a une autre clé
signing-published-unknown = Le DNS ne répond pas
signing-mend-yes = Les vérificateurs la trouvent.
signing-mend-no = Publiez l’enregistrement TXT sous ce nom. D’ici là, les vérificateurs ne peuvent pas contrôler la signature.
signing-mend-other = Remplacez l’enregistrement TXT de ce nom. D’ici là, les signatures faites avec cette clé passent pour fausses.
signing-mend-unknown = Aucun serveur de noms n’a pu être interrogé. L’enregistrement TXT doit s’y trouver.
signing-new = Nouvelle clé
signing-domain = Signe pour
signing-domain-hint = Le nom dans From. Chaque alias a besoin de sa propre clé.
signing-selector = Sélecteur
signing-selector-hint = Le nom de la clé. Vide : wp avec l’année et le mois.
signing-make = Créer la clé
signing-remove-title = Supprimer la clé ?
signing-remove-lead = Plus rien ne sera signé avec elle, et elle ne peut pas être rétablie. Laissez son enregistrement une semaine dans le DNS : du courrier en route est signé avec elle.
done-signing-made = La clé a été créée. Publiez maintenant son enregistrement.
done-signing-removed = La clé a été supprimée.
