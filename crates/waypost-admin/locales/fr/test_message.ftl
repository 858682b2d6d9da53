test-message-title = Message de test
test-message-lead = Ce serveur envoie lui-même un court message ; vous voyez quel chemin il prend et s’il arrive.
test-message-to = À
test-message-hint = Une adresse d’un domaine géré ici. Personne ne reçoit rien si un client se verrait refuser.
test-message-send = Envoyer le message de test
test-message-refused = Rien n’a été envoyé.
done-test-message = Le message de test est en route ; rechargez cette page pour voir ce qu’il est devenu.
nav-test-message = Message de test
