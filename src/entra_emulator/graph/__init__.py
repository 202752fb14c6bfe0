"""
Microsoft Graph: what its requests mean, and how it answers them.

From a request to its answer: `caller` says who asks and what they may,
`odata` and its parsers what is asked for, the directory what there is, and
`answer` how it is written.
"""
