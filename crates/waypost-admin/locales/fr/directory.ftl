directory-title = Annuaire
directory-lead = Les utilisateurs, boîtes partagées et groupes de vos domaines.
directory-kinds = Types d’objets
directory-tab-users = Utilisateurs
directory-tab-mailboxes = Boîtes partagées
directory-tab-groups = Groupes
directory-new-users = Nouvel utilisateur
directory-new-mailboxes = Nouvelle boîte partagée
directory-new-groups = Nouveau groupe
directory-import = Importer
directory-export = Exporter
directory-search = Chercher dans les noms et adresses
directory-find = Chercher
directory-any = indifférent
directory-name = Nom
directory-address = Adresse
directory-mail = Type de messagerie
directory-target = Cible
directory-state = État
directory-domain = Domaine
directory-nothing = Personne ne correspond à ces filtres.
directory-none-users = Aucun utilisateur pour l’instant.
directory-none-mailboxes = Aucune boîte partagée pour l’instant.
directory-none-groups = Aucun groupe pour l’instant.
directory-select-all = Sélectionner toute la page
directory-select = Sélectionner { $name }
directory-pages = Pages
directory-first = Première page
directory-next = Page suivante
directory-count = { $count ->
    [one] { $count } utilisateur
   *[other] { $count } utilisateurs
}

mail-local = Boîte aux lettres ici
mail-third-party = Serveur de messagerie tiers
mail-none = Pas de messagerie
mail-hint-local = Ce serveur garde la boîte ; l’utilisateur peut se connecter.
mail-hint-third-party = Le courrier est relayé vers un autre serveur ; l’utilisateur ne peut pas se connecter ici.
mail-hint-none = Le courrier qui lui est adressé est refusé.
state-active = Actif
state-suspended = Suspendu
target-relay = Relais du domaine

bulk-selected = sélectionnés
bulk-all = Les { $count } trouvés
bulk-do = Pour la sélection :
bulk-mail-local = Type de messagerie : boîte aux lettres ici
bulk-mail-third-party = Type de messagerie : serveur tiers
bulk-mail-none = Type de messagerie : pas de messagerie
bulk-to-target = Déplacer vers une cible
bulk-target = Déplacer
bulk-suspend = Suspendre
bulk-resume = Lever la suspension
bulk-remove = Supprimer
bulk-go-on = Continuer
bulk-ask-mail-local = { $count ->
    [one] Donner une boîte aux lettres ici à { $count } utilisateur ?
   *[other] Donner une boîte aux lettres ici à { $count } utilisateurs ?
}
bulk-ask-mail-third-party = { $count ->
    [one] Relayer le courrier de { $count } utilisateur vers le relais de son domaine ?
   *[other] Relayer le courrier de { $count } utilisateurs vers le relais de leur domaine ?
}
bulk-ask-mail-none = { $count ->
    [one] Retirer la messagerie à { $count } utilisateur ?
   *[other] Retirer la messagerie à { $count } utilisateurs ?
}
bulk-ask-target = { $count ->
    [one] Déplacer { $count } utilisateur vers : { $target } ?
   *[other] Déplacer { $count } utilisateurs vers : { $target } ?
}
bulk-ask-suspend = { $count ->
    [one] Suspendre { $count } utilisateur ?
   *[other] Suspendre { $count } utilisateurs ?
}
bulk-ask-resume = { $count ->
    [one] Lever la suspension de { $count } utilisateur ?
   *[other] Lever la suspension de { $count } utilisateurs ?
}
bulk-ask-remove = { $count ->
    [one] Supprimer { $count } utilisateur ?
   *[other] Supprimer { $count } utilisateurs ?
}
bulk-ask-note = Ceux qui ne peuvent pas être modifiés restent tels quels et sont listés avec la raison.
bulk-ask-more = … et { $count ->
    [one] { $count } autre utilisateur
   *[other] { $count } autres utilisateurs
}
bulk-ask-removed = Supprimé
target-relay-named = Relais du domaine : { $relay }

import-title = Importer des utilisateurs
import-lead = Vous voyez d’abord ce que le fichier ferait ; rien n’est modifié avant votre accord.
import-file = Fichier CSV
import-file-hint = Jusqu’à 128 Mio, en UTF-8, avec des virgules ou des points-virgules.
import-text = Ou son texte
import-columns = La première ligne nomme les colonnes. Il y a :
import-columns-more = Seul login est obligatoire, avec son domaine (jdoe@example.com) s’il n’y a pas de colonne pour celui-ci. Plusieurs adresses sont séparées par des espaces. Une colonne absente laisse ce qui existe ; personne n’est supprimé.
import-force = Ne pas interroger les pairs sur les nouvelles adresses
import-force-hint = Sinon, une ligne est refusée lorsqu’un pair possède une de ses adresses ou ne peut pas être interrogé.
import-preview = Aperçu

job-users-import = Importer des utilisateurs
job-users-actions = Modifier plusieurs utilisateurs
job-rehearsed = Voici ce qui serait fait. Rien n’a encore été modifié.
job-cancelled = Annulé ; ce qui a été fait avant reste fait.
job-count-created = Nouveaux
job-count-changed = Modifiés
job-count-removed = Supprimés
job-count-unchanged = Inchangés
job-count-refused = Refusés
job-next = { $count ->
    [one] Importer { $count } utilisateur
   *[other] Importer { $count } utilisateurs
}
job-other = Un autre fichier
job-refused = { $count ->
    [one] { $count } refusé
   *[other] { $count } refusés
}
job-refused-file = Tous dans un fichier
job-refused-line = Ligne
job-refused-object = Qui
job-refused-field = Champ
job-refused-why = Pourquoi, et que faire
job-refused-shown = Les { $count } premiers sont affichés ; tous sont dans le fichier.
job-step-saving = Enregistrement
job-step-trying = Essai, sans enregistrer
job-step-asking-peers = Interrogation des pairs
job-step-applying = Application

field-addresses = Adresses
field-domain = Domaine
field-force = Enregistrer quand même
field-login = Identifiant
field-mail = Type de messagerie
field-members = Membres
field-name = Nom
field-owner = Responsable
field-password = Mot de passe
field-quota = Quota
field-relayed = Adresses relayées
field-suspended = Suspendu
field-target = Cible
job-step-holding = Suspension des messages
job-step-releasing = Reprise des messages
job-step-removing = Suppression des messages
job-step-retrying = Nouvel essai des messages
field-created_ms = Créé
field-hash = Secret
