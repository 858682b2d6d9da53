layout-skip = Aller au contenu
layout-menu = Menu
layout-main-menu = Principal
layout-signed-in = Connecté en tant que
layout-log-out = Se déconnecter

nav-group-overview = Vue d’ensemble
nav-group-mail = Messagerie
nav-directory = Annuaire
nav-domains = Domaines supervisés
nav-group-site = Site
nav-admins = Administrateurs
nav-tokens = Jetons
nav-group-routes = Routes
nav-queue = File d’attente
nav-targets = Cibles
nav-sharing = Partage de domaine
nav-gateways = Domaines passerelles
nav-system = Système
nav-log = Journal

role-superadministrator = Superadministrateur
role-domain-administrator = Administrateur de domaine
role-user-administrator = Administrateur des utilisateurs
role-helpdesk = Assistance

done-password = Votre mot de passe a été changé.

problem-400 = Cette requête est illisible
problem-401 = Personne n’est connecté
problem-403 = Vous n’avez pas le droit de faire cela
problem-404 = Cela n’existe pas
problem-405 = Cette adresse attend un formulaire
problem-409 = Cela existe déjà
problem-412 = Quelqu’un l’a modifié entre-temps
problem-413 = C’est trop volumineux
problem-415 = Le type n’est pas le bon
problem-422 = Certains champs sont incorrects
problem-429 = Trop de tentatives
problem-500 = Une erreur s’est produite dans le serveur
problem-503 = Impossible pour le moment
stale-title = Ce formulaire date d’une connexion précédente
stale-says = Rien n’a été modifié. Vous vous êtes reconnecté depuis le chargement de la page ; votre saisie est encore là et peut être envoyée maintenant.
stale-again = Envoyer maintenant
problem-back = Retour au début


login-title = Connexion
login-name = Identifiant
login-password = Mot de passe
login-button = Se connecter
login-first = Le premier identifiant est admin0 ; son mot de passe à usage unique se trouve dans le fichier admin0-password du dossier de données du serveur.
login-refused-401 = L’identifiant ou le mot de passe est incorrect.
login-refused-429 = Trop de connexions échouées.
login-refused-500 = Une erreur s’est produite dans le serveur ; son journal dit laquelle.
login-refused-503 = Les identifiants ne peuvent pas être vérifiés pour le moment ; réessayez plus tard.
login-wait = { $seconds ->
    [one] Réessayez dans une seconde.
   *[other] Réessayez dans { $seconds } secondes.
}

password-title = Choisir un mot de passe
password-lead = Le reste vient après. Au moins dix caractères ; une phrase se retient mieux que des signes.
password-new = Nouveau mot de passe
password-again = Le même encore une fois
password-save = Enregistrer le mot de passe
password-wrong-short = Il compte moins de dix caractères.
password-wrong-differs = Les deux ne sont pas identiques.
password-wrong-user = Cet identifiant est celui d’un utilisateur : son mot de passe se change avec l’utilisateur.
