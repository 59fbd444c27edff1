"""What the faces of the product (server, command line) are given to call."""

from __future__ import annotations

from firstline.catalog.catalog import Catalog
from firstline.engines.images import ImageReader
from firstline.ledger.store import Ledger
from firstline.settings import Settings
from firstline.types import Value
from firstline.workflow.auditor import Auditor
from firstline.workflow.audits import Audits
from firstline.workflow.call import Door
from firstline.workflow.certificate.certificates import Certificates
from firstline.workflow.certificate.certifier import Certifier
from firstline.workflow.certificate.recording import Recorder
from firstline.workflow.converse import Converser
from firstline.workflow.decide import Decider
from firstline.workflow.design.designer import Designer
from firstline.workflow.embed import Embedder
from firstline.workflow.files import Files
from firstline.workflow.inputs import Inputs
from firstline.workflow.keyring import Keyring
from firstline.workflow.pinning import Pinner
from firstline.workflow.rates import Rates
from firstline.workflow.readiness import Readiness
from firstline.workflow.reads import Reads
from firstline.workflow.retention import Retention
from firstline.workflow.reviews import Reviews
from firstline.workflow.run import Runner
from firstline.workflow.storage import Storage
from firstline.workflow.students.distill import Distiller
from firstline.workflow.students.students import Students
from firstline.workflow.students.teacher import Teacher
from firstline.workflow.students.tuning.jobs import FineTuning
from firstline.workflow.tasks import Tasks


class Services(Value, frozen=True, kw_only=True):
    """The parts of a running product that faces use."""

    settings: Settings
    door: Door
    catalog: Catalog
    tasks: Tasks
    runner: Runner
    recorder: Recorder
    designer: Designer
    converser: Converser
    decider: Decider
    embedder: Embedder
    images: ImageReader
    files: Files
    ledger: Ledger
    keyring: Keyring
    pinner: Pinner
    certificates: Certificates
    certifier: Certifier
    rates: Rates
    readiness: Readiness
    reads: Reads
    storage: Storage
    retention: Retention
    reviews: Reviews
    audits: Audits
    auditor: Auditor
    students: Students
    distiller: Distiller
    fine_tuning: FineTuning
    teacher: Teacher
    inputs: Inputs
