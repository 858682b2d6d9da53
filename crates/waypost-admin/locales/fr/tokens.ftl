tokens-title = Jetons
tokens-lead = Ce avec quoi les scripts et la ligne de commande se connectent à l’API, au lieu d’un mot de passe.
tokens-none = Aucun jeton pour l’instant.
tokens-new = Nouveau jeton
tokens-new-lead = Il ne peut jamais faire plus que ce que son administrateur peut à cet instant.
tokens-name = Usage
tokens-name-hint = Avec vos mots, par exemple : import de nuit.
tokens-id = Nom public
tokens-admin = Administrateur
tokens-admin-hint = L’identifiant de celui dont il a les droits.
tokens-expires = Valable jusqu’au
tokens-expires-in = Valable pendant
tokens-days = { $days ->
    [one] Un jour
   *[other] { $days } jours
}
tokens-used = Dernier usage
tokens-never = Jamais
tokens-own-domains = Tous les domaines de l’administrateur
tokens-create = Créer le jeton
tokens-made = Le jeton a été créé
tokens-once = Le jeton
tokens-once-hint = Il n’est affiché que cette fois. Gardez-le comme un mot de passe.
tokens-noted = Je l’ai noté
tokens-revoke = Révoquer
tokens-revoke-ask = Révoquer « { $name } » ? Ce qui l’utilise ne pourra plus se connecter.
done-token-revoked = Le jeton a été révoqué.
