module prefixes

go 1.22
