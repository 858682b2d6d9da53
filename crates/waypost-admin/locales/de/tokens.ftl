tokens-title = Token
tokens-lead = Womit sich Skripte und die Kommandozeile an der API anmelden, statt mit einem Passwort.
tokens-none = Noch kein Token.
tokens-new = Neues Token
tokens-new-lead = Es darf nie mehr, als sein Administrator in dem Augenblick darf.
tokens-name = Wofür
tokens-name-hint = In Ihren Worten, etwa: nächtlicher Import.
tokens-id = Öffentlicher Name
tokens-admin = Administrator
tokens-admin-hint = Der Anmeldename dessen, dessen Rechte es hat.
tokens-expires = Gültig bis
tokens-expires-in = Gültig für
tokens-days = { $days ->
    [one] Einen Tag
   *[other] { $days } Tage
}
tokens-used = Zuletzt benutzt
tokens-never = Nie
tokens-own-domains = Alle Domains des Administrators
tokens-create = Token erzeugen
tokens-made = Das Token wurde erzeugt
tokens-once = Das Token
tokens-once-hint = Es wird nur dieses eine Mal angezeigt. Bewahren Sie es auf wie ein Passwort.
tokens-noted = Ich habe es notiert
tokens-revoke = Widerrufen
tokens-revoke-ask = „{ $name }“ widerrufen? Was es benutzt, kann sich nicht mehr anmelden.
done-token-revoked = Das Token wurde widerrufen.
