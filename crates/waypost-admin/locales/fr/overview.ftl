nav-overview = Vue d’ensemble

overview-title = Vue d’ensemble
overview-lead = Ce qui se passe sur { $name } en ce moment : les débits sont la moyenne des cinq dernières minutes.
overview-lead-part = Comment vont à présent les serveurs que vos domaines utilisent.
overview-whole-site = Le débit du courrier est compté pour le site entier ; seul le voit qui peut voir tout le site.
overview-own-queue = Ce qui attend pour vos domaines
overview-servers = Serveurs que vos domaines utilisent
overview-loaded = Au chargement
overview-live = En direct
overview-lost = Plus à jour : la connexion est perdue
overview-fine = Rien à signaler.
overview-wrong = { $count ->
    [one] Un point demande votre attention
   *[other] { $count } points demandent votre attention
}

severity-error = Erreur :
severity-warning = Avertissement :
severity-notice = Remarque :

wrong-said = Dans ses propres termes :
wrong-accepts-everything = { $name } accepte toutes les adresses de { $domain }, qu’elles existent ou non : le courrier d’inconnus vers des adresses inexistantes ne peut pas être refusé
wrong-address-twice = { $name } existe sur deux serveurs : le courrier va à { $mail_goes_to }, et { $also_on } l’a aussi
wrong-both-forward = { $name } et { $target } se renvoient l’un à l’autre les adresses inconnues : { $loops ->
    [one] un destinataire a tourné en rond
   *[other] { $loops } destinataires ont tourné en rond
}
wrong-certificate-expired = Le certificat de { $name } a expiré
wrong-certificate-expires = Le certificat de { $name } expire { $days ->
    [0] dans moins d’un jour
    [one] dans un jour
   *[other] dans { $days } jours
}
wrong-certificate-not-given = L’autorité ne délivre pas de certificat pour { $name }
wrong-disk-full = Le disque est plein : { $free_bytes } libres sur { $total_bytes }, aucun courrier n’est accepté
wrong-disk-nearly-full = Le disque est presque plein : { $free_bytes } libres sur { $total_bytes }
wrong-held = Le courrier pour { $name } est retenu
wrong-other = { $name } : { $code }
wrong-peer-silent = Le pair { $name } ne répond pas aux questions sur les adresses ; il sera de nouveau interrogé dans { $paused_s }
wrong-postmaster-mail = { $messages ->
    [one] Un message attend
   *[other] { $messages } messages attendent
} dans la boîte postmaster du site
wrong-queue-old = { $waiting ->
    [one] Un destinataire attend
   *[other] { $waiting } destinataires attendent
} pour { $name }, le plus ancien depuis { $oldest_s }
wrong-spool-suspect = Le stockage des messages de { $name } est défaillant : aucun courrier n’est accepté tant qu’il n’a pas refait ses preuves
wrong-target-degraded-alone = { $name } échoue de temps en temps
wrong-target-degraded = { $name } échoue par moments ; { $waiting ->
    [0] aucun destinataire n’attend
    [one] un destinataire attend
   *[other] { $waiting } destinataires attendent
}
wrong-target-down-alone = { $name } est injoignable
wrong-target-down = { $name } est injoignable ; { $waiting ->
    [0] aucun destinataire n’attend
    [one] un destinataire attend
   *[other] { $waiting } destinataires attendent
}
moment-at = Constaté
moment-last-answer = Dernière réponse
moment-last-success = Dernier succès
moment-seen = Constaté
moment-since = Depuis
moment-tried-again = Nouvel essai
moment-until = Jusqu’à

stat-messages = Reçus
stat-messages-unit = messages
stat-per-minute = par minute
stat-sent = Remis
stat-refused = Refusés
stat-queue = File d’attente
stat-oldest = Plus ancien message en attente
stat-up = En service depuis

map-title = Qui échange du courrier avec ce serveur
map-legend = Plus le trait est épais, plus il passe de courrier ; en pointillé, aucun ces cinq dernières minutes.
map-desc = À gauche, qui apporte le courrier ; au milieu, ce serveur, ses boîtes au-dessous ; à droite, { $count ->
    [one] une destination
   *[other] { $count } destinations
}. Le tableau ci-dessous dit la même chose.
map-more = { $count ->
    [one] Une autre figure seulement dans le tableau.
   *[other] { $count } autres figurent seulement dans le tableau.
}
map-rate-brings = { $rate } messages/min
map-rate-takes = { $rate } remis/min
map-rate-takes-in = { $rate } messages reçus/min
map-rate-refuses = { $rate } destinataires refusés/min
map-queue = { $count ->
    [one] un message en file
   *[other] { $count } messages en file
}
map-oldest = le plus ancien attend { $span }
map-hop-rates = vers lui { $out }/min, de lui { $in }/min
map-hop-waits = { $count } en attente, depuis { $span }

source-here = Ce serveur lui-même
source-strangers = Internet
source-trusted = Réseaux de confiance
source-users = Nos utilisateurs

hop-local = Boîtes d’ici
hop-mx = Autres domaines
hop-none = Pas encore routé
hop-smart-host = Relais sortant
hop-kind-local = boîtes
hop-kind-mx = par MX
hop-kind-none = en attente d’une route
hop-kind-peer = pair
hop-kind-smart-host = relais sortant
hop-kind-source = apporte du courrier
hop-kind-target = cible
hop-state-degraded = dégradé
hop-state-down = en panne
hop-state-held = retenu
hop-state-unused = pas encore utilisé
hop-state-up = en marche

hops-name = Qui
hops-kind = Quoi
hops-state = État
hops-sent = Vers lui/min
hops-incoming = De lui/min
hops-failed = Échecs/min
hops-waiting = En attente
hops-oldest = Le plus ancien

charts-title = Dans le temps
charts-span = Période
charts-time = Heure
charts-table = Sous forme de tableau
span-hours = 3 heures
span-day = 24 heures
span-month = 30 jours
chart-traffic = Trafic, par minute
chart-refusals = Destinataires refusés par motif, par minute
chart-delay = De l’arrivée à la remise
chart-queue = File d’attente
series-messages = Messages reçus
series-sent = Destinataires servis
series-deferred = Destinataires différés
series-refused = Destinataires refusés
series-delay-p50 = la moitié en moins de
series-delay-p95 = 95 % en moins de
series-queue = Messages en file
series-waiting = Destinataires en attente

refusal-for-now = { $reason } (pour l’instant)
refusal-forward-unknown = le relais ne l’a pas
refusal-gateway = domaine passerelle
refusal-group = groupe
refusal-local = boîte d’ici
refusal-loop = tournerait en rond
refusal-next-hop = le saut suivant
refusal-no-mail = utilisateur sans courrier
refusal-not-served = domaine non servi ici
refusal-policy = expéditeur ou limites
refusal-postmaster = postmaster
refusal-sharing = partage de domaine
refusal-suspended = utilisateur suspendu
refusal-third-party = utilisateur tiers
refusal-unknown = adresse inconnue
