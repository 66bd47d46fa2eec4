"""Types of values that settings of several sections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
Factor = Annotated[float, Field(ge=1.0)]

FROZEN = ConfigDict(extra="forbid")
