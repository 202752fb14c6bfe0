"""
Microsoft Graph's refusals of delta queries, batches and look-ups, by a word of ours.

`evidence` says where status, code and message come from, as in `refusal`.
"""

from entra_emulator.errors.graph import GraphRow

DENIALS: dict[str, GraphRow] = {
    # What changed
    "delta_option": GraphRow(
        400,
        "Request_UnsupportedQuery",
        "The query option '{option}' is not supported on delta queries.",
        "documented that it is not supported; text chosen",
    ),
    "delta_filter": GraphRow(
        400,
        "Request_UnsupportedQuery",
        "The filter of a delta query is not supported; objects are chosen by their ID only.",
        "documented that it is not supported; text chosen",
    ),
    "delta_many": GraphRow(
        400,
        "Request_UnsupportedQuery",
        "The filter of a delta query has more than {most} objects.",
        "the limit is documented; text chosen",
    ),
    "delta_tokens": GraphRow(
        400,
        "Request_BadRequest",
        "Invalid request: Both skiptoken and deltatoken can't be in the same request.",
        "quoted: microsoft/o365-moodle#2535; code chosen",
    ),
    "delta_token_invalid": GraphRow(
        400,
        "syncStateInvalid",
        "The sync state is invalid.",
        "code quoted for Outlook's delta queries; here chosen",
    ),
    "delta_token_expired": GraphRow(
        400,
        "syncStateNotFound",
        "The sync state generation is not found. The delta token is expired and data must be "
        "synchronized again.",
        "documented: Microsoft 365 developer blog, 2020-07-03",
    ),
    "delta_reset": GraphRow(
        410,
        "resyncRequired",
        "The delta token is no longer valid, and the app must reset the sync state.",
        'documented: "Microsoft Graph error responses"',
    ),
    # Many at once
    "batch_malformed": GraphRow(
        400,
        "BadRequest",
        "Invalid batch payload format.",
        "recorded 2026: bradleymarques/microslop_one_drive",
        gateway=True,
    ),
    "batch_many": GraphRow(
        400,
        "BadRequest",
        "Number of requests inside batch exceed the limit.",
        "recorded 2026: bradleymarques/microslop_one_drive",
        gateway=True,
    ),
    "batch_repeated": GraphRow(
        400,
        "BadRequest",
        "Request Id {id} has to be unique in a batch.",
        "recorded 2026: bradleymarques/microslop_one_drive; quoted since 2020",
        gateway=True,
    ),
    "batch_untyped": GraphRow(
        400,
        "BadRequest",
        "Write request with id '{id}' does not contain a Content-Type header.",
        "quoted 2026: Softeria/ms-365-mcp-server#677",
        gateway=True,
    ),
    "batch_bodyless": GraphRow(
        400,
        "BadRequest",
        "Write request id : {id} does not contain Content-Type header or body.",
        "quoted 2024: msgraph-sdk-dotnet#2628",
        gateway=True,
    ),
    "batch_dependency": GraphRow(
        400,
        "BadRequest",
        "Invalid dependency for request Id {id}.",
        "quoted without its end: msgraph-sdk-dotnet-core#891",
        gateway=True,
    ),
    "batch_mixed": GraphRow(
        400,
        "BadRequest",
        "Batch should be either fully sequential or fully parallel.",
        "quoted: microsoft-graph-docs#16280",
        gateway=True,
    ),
    "batch_nested": GraphRow(
        400,
        "BadRequest",
        "A batch cannot contain another batch.",
        "documented that it cannot (msgraph-sdk-design); text chosen",
        gateway=True,
    ),
    "dependency_failed": GraphRow(
        424, "FailedDependency", "", "status documented; the rest from client code", gateway=True
    ),
    # Looking up
    "ids_many": GraphRow(
        400,
        "Request_BadRequest",
        "Too many values are specified for the parameter '{name}': {count}. Max allowed: {most}.",
        "the limits are documented; text chosen",
    ),
    "parameter_missing": GraphRow(
        400,
        "Request_BadRequest",
        "The parameter '{name}' is missing or is not {wanted}.",
        "chosen",
    ),
}
