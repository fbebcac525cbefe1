"""By what Linux controls the core of each i.MX, and what it sees -- drivers/remoteproc/imx_rproc.c.

The structures ``imx_rproc_cfg_*`` of Linux 6.12.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.drivers import imx_rproc_att

if TYPE_CHECKING:
    from rprocfs.drivers.imx_rproc_att import Att


class Method(Enum):
    """``enum imx_rproc_method``: by what Linux starts and stops the core."""

    NONE = "it does not: the core is the master of Linux"
    MMIO = "registers, the nodes `syscon` and `fsl,iomuxc-gpr`"
    SMC = "the secure monitor"
    SCU_API = "the system controller"


class Dcfg(NamedTuple):
    """``struct imx_rproc_dcfg``."""

    att: tuple[Att, ...]
    method: Method


DCFG = {
    "fsl,imx7ulp-cm4": Dcfg(imx_rproc_att.IMX7ULP, Method.NONE),
    "fsl,imx7d-cm4": Dcfg(imx_rproc_att.IMX7D, Method.MMIO),
    "fsl,imx6sx-cm4": Dcfg(imx_rproc_att.IMX6SX, Method.MMIO),
    "fsl,imx8mq-cm4": Dcfg(imx_rproc_att.IMX8MQ, Method.MMIO),
    "fsl,imx8mm-cm4": Dcfg(imx_rproc_att.IMX8MQ, Method.MMIO),
    "fsl,imx8mn-cm7": Dcfg(imx_rproc_att.IMX8MN, Method.SMC),
    "fsl,imx8mp-cm7": Dcfg(imx_rproc_att.IMX8MN, Method.SMC),
    "fsl,imx8mn-cm7-mmio": Dcfg(imx_rproc_att.IMX8MN, Method.MMIO),
    "fsl,imx8mp-cm7-mmio": Dcfg(imx_rproc_att.IMX8MN, Method.MMIO),
    "fsl,imx8qxp-cm4": Dcfg(imx_rproc_att.IMX8QXP, Method.SCU_API),
    "fsl,imx8qm-cm4": Dcfg(imx_rproc_att.IMX8QM, Method.SCU_API),
    "fsl,imx8ulp-cm33": Dcfg(imx_rproc_att.IMX8ULP, Method.NONE),
    "fsl,imx93-cm33": Dcfg(imx_rproc_att.IMX93, Method.SMC),
}
