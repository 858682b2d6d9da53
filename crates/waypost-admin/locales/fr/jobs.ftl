job-site-apply = Appliquer un fichier de site
job-begun = Cela commence.
job-cancel = Annuler
job-done = Terminé.
job-failed = Non effectué.
job-of = Commencé par { $login }.
job-go-on = Retour : { $page }
job-line = Ligne { $line }:
job-messages-done = Messages traités
job-messages-undone = Non traités
job-undone = Messages restés tels quels
job-undone-reason = Pourquoi
job-undone-active = Il était en cours d’envoi à ce moment-là.
job-undone-gone = Il n’est plus dans la file d’attente.
job-undone-held = Il est suspendu ; reprenez-le d’abord.
job-undone-not-held = Il n’était pas suspendu.
job-sum-nothing = Rien à modifier.
job-sum-unasked = { $count ->
    [one] Aucun pair n’a été interrogé sur { $count } nouvelle adresse.
   *[other] Aucun pair n’a été interrogé sur { $count } nouvelles adresses.
}
job-sum-of = { $what } : { $count }
jobs-title = Tâches
jobs-lead = Ce qui prend du temps, et ce qu’il en est advenu dans la dernière heure : les vôtres et, pour un superadministrateur, celles de tous.
jobs-none = Rien n’est en cours.
jobs-what = Quoi
jobs-owner = Lancée par
jobs-state = État
job-state-running = En cours
job-state-done = Faite
job-state-failed = Non faite
