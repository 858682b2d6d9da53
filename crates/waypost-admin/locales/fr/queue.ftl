queue-title = File d’attente
queue-lead = Le courrier que ce serveur a accepté et doit encore remettre.
queue-shape = Ce qui attend, par prochain saut et par âge
queue-waiting = { $count ->
    [one] Un destinataire attend.
   *[other] { $count } destinataires attendent.
}
queue-none = La file d’attente est vide.
queue-none-found = Aucun message ne correspond.
queue-total = Destinataires
queue-oldest-age = Le plus ancien
queue-hop-lmtp = Boîtes locales (LMTP)
queue-hop-maildir = Boîtes locales
queue-hop-none = Nulle part pour l’instant
queue-hop-smart-host = Relais de secours
queue-hop-to-mx = MX de { $domain }

queue-sender = Expéditeur
queue-recipient = Destinataire
queue-recipients = Destinataires
queue-more-recipients = { $count ->
    [one] et un autre
   *[other] et { $count } autres
}
queue-id = Identifiant
queue-next-hop = Prochain saut
queue-any = peu importe
queue-state = État
queue-state-any = peu importe
queue-state-active = En cours
queue-state-deferred = En attente
queue-state-held = Suspendu
queue-recipient-state-delivered = Remis
queue-recipient-state-failed = Échoué
queue-recipient-state-queued = En attente
queue-recipient-state-removed = Supprimé
queue-age-min = Plus ancien que
queue-age-max = Plus récent que
queue-find = Chercher
queue-find-all = Tout afficher
queue-arrived = Accepté
queue-last-reply = Dernière réponse
queue-size = Taille
queue-select = Choisir
queue-select-page = Choisir toute la page
queue-selected = choisis
queue-all = { $count ->
    [one] celui qui correspond
   *[other] les { $count } qui correspondent
}
queue-all-more = tous ceux qui correspondent, plus de { $count }
queue-count = { $count ->
    [one] Un message
   *[other] { $count } messages
}
queue-count-more = Plus de { $count } messages
queue-count-of = sur { $count } dans la file
queue-newest = Les plus récents d’abord
queue-oldest = Les plus anciens d’abord

queue-verb-hold = Suspendre
queue-verb-release = Reprendre
queue-verb-retry = Essayer maintenant
queue-verb-remove = Supprimer
queue-ask-hold = { $count ->
    [one] Suspendre un message ?
   *[other] Suspendre { $count } messages ?
}
queue-ask-release = { $count ->
    [one] Reprendre un message ?
   *[other] Reprendre { $count } messages ?
}
queue-ask-retry = { $count ->
    [one] Essayer un message maintenant ?
   *[other] Essayer { $count } messages maintenant ?
}
queue-ask-remove = { $count ->
    [one] Supprimer un message ?
   *[other] Supprimer { $count } messages ?
}
queue-ask-more-hold = Suspendre plus de { $count } messages ?
queue-ask-more-release = Reprendre plus de { $count } messages ?
queue-ask-more-retry = Essayer plus de { $count } messages maintenant ?
queue-ask-more-remove = Supprimer plus de { $count } messages ?
queue-ask-one-hold = Suspendre le message { $id } ?
queue-ask-one-release = Reprendre le message { $id } ?
queue-ask-one-retry = Essayer le message { $id } maintenant ?
queue-ask-one-remove = Supprimer le message { $id } ?
queue-ask-recipients = { $count ->
    [one] Supprimer un destinataire de ce message ?
   *[other] Supprimer { $count } destinataires de ce message ?
}
queue-ask-says-hold = Le courrier reste dans la file et n’est pas essayé avant la fin de la suspension ; ce temps ne compte pas dans sa durée de vie.
queue-ask-says-release = Le courrier est essayé aussitôt.
queue-ask-says-retry = Le courrier est essayé aussitôt, quelle que soit l’heure prévue. Ce qui est suspendu ne bouge pas.
queue-ask-says-remove = Personne ne le reçoit, l’expéditeur n’est pas prévenu, et rien ne le fera revenir.
job-queue-hold = Suspendre des messages
job-queue-release = Reprendre des messages
job-queue-retry = Essayer des messages maintenant
job-queue-remove = Supprimer des messages
done-queue-held = Le message est suspendu.
done-queue-released = Le message est repris.
done-queue-retried = Le message est essayé maintenant.
done-queue-removed = Le message a été supprimé.
done-queue-recipients-removed = Ces destinataires ont été supprimés.
done-queue-hold-set = C’est suspendu.
done-queue-hold-ended = La suspension est levée.

queue-holds = Ce qui est suspendu
queue-holds-what = Quoi
queue-holds-since = Depuis
queue-holds-until = Jusqu’à
queue-holds-end = Reprendre
queue-hold-something = Suspendre un domaine ou un utilisateur
queue-hold-lead = Le courrier est toujours accepté et attend ; ce temps ne compte pas dans sa durée de vie.
queue-hold-kind = Quoi
queue-hold-name = Nom
queue-hold-name-hint = example.com, ou jdoe@example.com par identifiant.

queue-message = Message { $id }
queue-gone = Ce message n’est plus dans la file.
queue-gone-says = Ce qui lui est arrivé figure ci-dessous.
queue-is-held = Ce message est suspendu.
queue-envelope = Enveloppe
queue-client = Venu de
queue-header = En-tête
queue-header-none = Il n’a pas d’en-tête.
queue-header-cut = L’en-tête continue ; seul le début est affiché.
queue-original = écrit
queue-attempts = Essais
queue-next = Prochain essai
queue-expires = abandon
queue-remove-selected = Supprimer ces destinataires
queue-history = Tout ce qui s’est passé
queue-history-none = Rien n’est connu : l’historique est peut-être désactivé, ou pas encore écrit.
queue-event-client = Client
queue-event-message-id = Message-ID
queue-event-rejected = Refusé
queue-event-member-refused = Membre d’un groupe refusé
queue-event-active = Accepté dans la file
queue-event-again = Nouvel essai
queue-event-other = Autre événement
queue-event-passing = Transmis pendant que l’expéditeur attend
queue-event-delivery = Essai de remise
queue-event-expired = Abandonné
queue-event-report = Rapport envoyé
queue-event-ordered = Modifié par un administrateur
queue-event-lives-twice = Adresse sur deux serveurs
queue-event-trouble = Incident
queue-event-removed = Sorti de la file
queue-field-client = client
queue-field-sasl_username = identifié comme
queue-field-message_id = Message-ID
queue-field-from = expéditeur
queue-field-nrcpt = destinataires
queue-field-to = destinataire
queue-field-orig_to = écrit
queue-field-relay = prochain saut
queue-field-status = résultat
queue-field-dsn = statut
queue-field-said = a dit
queue-field-reply = réponse
queue-field-tls = connexion
queue-field-delay = délai
queue-field-verb = action
queue-field-by = par
queue-field-reason = raison
queue-field-report = rapport
queue-field-also_on = aussi sur
queue-field-trouble = incident
queue-field-why-not = pourquoi
queue-status-sent = remis
queue-status-deferred = pas encore
queue-status-bounced = refusé
queue-status-expired = abandonné
queue-status-refused = refusé au client
