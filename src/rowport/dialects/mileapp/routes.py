"""All of MileApp's endpoints that are served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.dialects.mileapp.bulk import create_items, upsert_items
from rowport.dialects.mileapp.catalogue import (
    list_data_types,
    list_flows,
    list_hubs,
    show_data_type,
)
from rowport.dialects.mileapp.configs import (
    change_config,
    create_config,
    delete_config,
    list_configs,
    show_config,
)
from rowport.dialects.mileapp.data_types import (
    change_data_type,
    create_data_type,
    delete_data_type,
    replace_data_type,
)
from rowport.dialects.mileapp.monitoring import list_records, show_record
from rowport.dialects.mileapp.uploads import import_data

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    import_data,
    list_records,
    show_record,
    list_configs,
    create_config,
    show_config,
    change_config,
    delete_config,
    list_data_types,
    show_data_type,
    create_data_type,
    replace_data_type,
    change_data_type,
    delete_data_type,
    list_flows,
    list_hubs,
    create_items,
    upsert_items,
)
