"""The one catalogue of tables, and how their constraints are named.

Store, ledger and identity know nothing of each other, yet their tables are created and migrated
together: each defines its own on ``SQLModel.metadata``. Import this module before the first table
class: SQLAlchemy names a constraint when the table is made, and a migration can drop only what has
a name (Alembic: "The Importance of Naming Constraints").
"""

from typing import Final

from sqlalchemy import MetaData, Table
from sqlmodel import SQLModel

metadata: Final[MetaData] = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table behind a table class, for bulk work without the ORM.

    Raises:
        KeyError: if the class is not a table.
    """
    return metadata.tables[str(model.__tablename__)]
