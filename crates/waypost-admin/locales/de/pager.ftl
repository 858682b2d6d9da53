pager-title = Seiten
pager-first = Erste Seite
pager-next = Nächste Seite
