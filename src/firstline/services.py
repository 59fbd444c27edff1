"""What the faces of the product (server, command line) are given to call."""

from __future__ import annotations

from firstline.catalog.catalog import Catalog
from firstline.certify.certificates import Certificates
from firstline.certify.certifier import Certifier
from firstline.certify.recording import Recorder
from firstline.chat.decide import Decider
from firstline.chat.embed import Embedder
from firstline.chat.service import ConversationService
from firstline.design.designer import Designer
from firstline.engines.images import ImageReader
from firstline.files.files import Files
from firstline.files.storage import Storage
from firstline.gateway.gateway import ModelGateway
from firstline.gateway.keyring import Keyring
from firstline.gateway.rates import Rates
from firstline.gateway.reads import Reads
from firstline.ledger.store import Ledger
from firstline.reviews.auditor import Auditor
from firstline.reviews.audits import Audits
from firstline.reviews.reviews import Reviews
from firstline.runs.inputs import Inputs
from firstline.runs.readiness import Readiness
from firstline.runs.retention import Retention
from firstline.runs.run import Runner
from firstline.settings import Settings
from firstline.students.distill.distill import Distiller
from firstline.students.distill.teacher import Teacher
from firstline.students.fine_tuning.jobs import FineTuning
from firstline.students.students import Students
from firstline.tasks.registry import Tasks
from firstline.types import Value
from firstline.versions.pinning import Pinner


class Services(Value, frozen=True, kw_only=True):
    """The parts of a running product that faces use."""

    settings: Settings
    door: ModelGateway
    catalog: Catalog
    tasks: Tasks
    runner: Runner
    recorder: Recorder
    designer: Designer
    converser: ConversationService
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
