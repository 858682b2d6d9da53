crumbs = Où vous êtes
pager = Pages
live-open = En direct
live-lost = Connexion perdue ; nouvel essai

secret-kept = Un mot de passe est défini. Laissez ce champ vide pour le garder.
secret-none = Aucun n’est défini.
secret-gone = Le supprimer

hold-reason = Raison
hold-reason-hint = Dans vos mots ; vos collègues et le journal l’affichent.
hold-span = Durée
hold-span-released = Jusqu’à la reprise
hold-span-1h = 1 heure
hold-span-4h = 4 heures
hold-span-12h = 12 heures
hold-span-1d = 1 jour
hold-span-3d = 3 jours
hold-span-7d = 7 jours
hold-span-at = Jusqu’à un moment précis
hold-until = Fin
hold-since = depuis
hold-ends = fin
hold-kind-domain = Domaine
hold-kind-target = Cible
hold-kind-user = Utilisateur
