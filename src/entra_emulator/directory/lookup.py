"""Looking for objects by what need not be unique, by a beginning, or by what has no index."""

import msgspec

from entra_emulator.directory import object_rows, search
from entra_emulator.directory.object_rows import Found
from entra_emulator.directory.objects import Objects
from entra_emulator.directory.search import Place, Sheet
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class Lookups(Objects):
    """
    What `Directory` knows of ways to find objects.

    Looking into every document of a million takes seconds; other readers do
    not wait for it.
    """

    def find_each(self, tenant: Tenant, kind: str, key: str) -> list[Found]:
        """Every object of a type with this key, e.g. groups of one `mailNickname`."""
        return object_rows.find(self._store, tenant.number, kind, "key", key.casefold())

    def browse(
        self,
        tenant: Tenant,
        kind: str,
        text: str = "",
        *,
        start: Place | None = None,
        back: bool = False,
        limit: int = 50,
    ) -> Sheet:
        """A page of those whose name, key or other word begins with `text`, see `read_sheet`."""
        return search.read_sheet(
            self._store, tenant.number, kind, text, start=start, back=back, limit=limit
        )

    def find_address(self, tenant: Tenant, address: str) -> list[Found]:
        """The users and groups that have this mail address, in any case of letters."""
        wanted = address.lower()
        found = self._find_text(tenant, ("user", "group"), wanted)
        return [one for one in found if wanted in _list_addresses(_decode(one.doc))]

    def find_unique(self, tenant: Tenant, kind: str, name: str) -> Found | None:
        """The object of a type with this `uniqueName`."""
        found = self._find_text(tenant, (kind,), name.lower())
        return next((one for one in found if _decode(one.doc).get("uniqueName") == name), None)

    def _find_text(self, tenant: Tenant, kinds: tuple[str, ...], text: str) -> list[Found]:
        """The objects in whose documents a text stands, in any case of ASCII letters."""
        escaped = msgspec.json.encode(text)[1:-1].decode()
        numbers = ", ".join(str(KINDS[kind].number) for kind in kinds)
        rows = self._store.read(
            "SELECT o.kind, o.seq, d.doc FROM object AS o "  # noqa: S608 - constants
            "CROSS JOIN document AS d ON d.seq = o.seq "
            f"WHERE o.tenant = ? AND o.kind IN ({numbers}) "
            "AND instr(lower(CAST(d.doc AS TEXT)), ?)",
            (tenant.number, escaped),
        )
        return [Found(BY_NUMBER[number].name, seq, doc) for number, seq, doc in rows]


def _list_addresses(record: Record) -> set[str]:
    proxies = (one.partition(":")[2] for one in record.get("proxyAddresses", ()))
    return {one.lower() for one in (*proxies, record.get("mail") or "")}
