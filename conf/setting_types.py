"""Types of values that settings of several sections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0)]
Factor = Annotated[float, Field(ge=1.0)]


def _check_country(code: str) -> str:
    if not (len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()):
        raise PydanticCustomError("country_code", "no code of ISO 3166-1")
    return code


def _check_server(uri: str) -> str:
    if not uri.startswith(("http://", "https://", "databricks", "uc:")):
        raise PydanticCustomError("mlflow_server", "no address of a server")
    return uri


MlflowServer = Annotated[str, AfterValidator(_check_server)]
Country = Annotated[str, AfterValidator(_check_country)]

FROZEN = ConfigDict(extra="forbid")
