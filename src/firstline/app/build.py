"""The composition root: settings become objects, and only here. Faces get `Services`."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from firstline import disk
from firstline.answering.labels import Embed
from firstline.answering.student import Student
from firstline.app.structs import prepare_structs
from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.catalog.weights import WeightsStore
from firstline.certify.certificates import Certificates
from firstline.certify.certifier import Certifier, Statistics
from firstline.certify.recording import Recorder
from firstline.certify.statistics.target import CostModel
from firstline.chat.chat import Chat
from firstline.chat.decide import Decider
from firstline.chat.embed import Embedder
from firstline.chat.service import ConversationService
from firstline.chat.turns import TurnReader
from firstline.design.designer import Designer
from firstline.engines.base import Engine
from firstline.engines.encoder import Encoder
from firstline.engines.fake import Fake
from firstline.engines.images import ImageReader
from firstline.engines.llama_cpp import LlamaCpp
from firstline.engines.long_window import LongWindow
from firstline.engines.ocr import Ocr
from firstline.engines.openai_http import OpenAIHTTP
from firstline.engines.pdf import PdfReader
from firstline.engines.pool import Pool
from firstline.errors import EngineUnavailableError, FolderNotAllowedError, SettingsError
from firstline.files.files import Files
from firstline.files.storage import Storage
from firstline.gateway.gateway import ModelGateway
from firstline.gateway.keyring import Keyring
from firstline.gateway.ladder import Machine
from firstline.gateway.rates import LedgerBuckets, MemoryBuckets, Rates
from firstline.gateway.reads import Reads
from firstline.ledger.store import Ledger
from firstline.reviews.auditor import Auditor
from firstline.reviews.audits import Audits
from firstline.reviews.reviews import Reviews
from firstline.runs.context import RunContext
from firstline.runs.inputs import Inputs
from firstline.runs.readiness import Readiness
from firstline.runs.retention import Retention
from firstline.runs.run import Runner
from firstline.services import Services
from firstline.settings import Loaded, Settings
from firstline.students.artifact import Artifact
from firstline.students.classify.classifier import Classifier
from firstline.students.classify.serve import ClassifyStudent, Features
from firstline.students.distill.distill import Distiller
from firstline.students.distill.teacher import Teacher
from firstline.students.distill.teaching import Training
from firstline.students.extract.extractor import Extractor
from firstline.students.extract.serve import ExtractStudent
from firstline.students.fine_tuning.chat_lines import read_chat
from firstline.students.fine_tuning.jobs import FineTuning
from firstline.students.fine_tuning.tune import Tuner
from firstline.students.students import Open, Students, shipped
from firstline.tasks.registry import Tasks
from firstline.tokens import Cl100k, O200k
from firstline.trust import Trust
from firstline.types import Value
from firstline.versions.pinning import Pinner

SHIPPED = Path(__file__).parents[1] / "tasks" / "students"
ENCODER = "local/all-minilm-l6-v2"


class App(Value, frozen=True, kw_only=True):
    """A running product: what faces call, and the weights on disk."""

    services: Services
    weights: WeightsStore


class School(Value, frozen=True, kw_only=True):
    """How students are made and opened: `training` loads what learns, `opening` makes a student of its file."""

    training: Callable[[], Training]
    opening: Open


@asynccontextmanager
async def build(loaded: Loaded, *, school: School | None = None) -> AsyncIterator[App]:
    """Build the product from settings and end it afterwards. Nothing heavy starts before its first use.

    `school` takes the place of what trains and opens students.

    Raises SettingsError and LedgerError, and FolderNotAllowedError for a setting that the folder may not make.
    """
    prepare_structs()
    settings = loaded.settings
    trust = Trust(loaded)
    trust.require_settings()
    try:
        await asyncio.to_thread(_own, settings)
    except OSError as error:
        raise SettingsError(
            f"the data folder {settings.data_path} cannot be made: {error.strerror}",
            hint="set data_dir (FIRSTLINE_DATA_DIR) to a folder that you may write to",
            param="data_dir",
        ) from None
    named = {*settings.ladder.stand_in, *settings.ladder.default, settings.tasks.designer, settings.messages.stand_in}
    catalog = Catalog.load(
        settings.models, fake=settings.fake.enabled, named=named, stand_in_for=settings.ladder.stand_in_for
    )
    weights = WeightsStore(settings.models_path)
    refused = trust.refused(catalog)
    pool = Pool(lambda name: _engine(catalog.get(name), weights, loaded, refused), max_local=settings.llama.max_models)
    reader = Ocr(threads=_threads(settings), timeout_s=settings.limits.ocr_s)
    images = ImageReader(settings.limits)
    pdfs = PdfReader()
    encoders = _Encoders(weights)
    ledger = await Ledger.open(settings.ledger_url)
    alone = settings.server.workers == 1
    rates = Rates(MemoryBuckets() if alone else LedgerBuckets(ledger.buckets), settings.keys)
    tokens = O200k()
    door = ModelGateway(pool, ledger, rates=rates, tokens=tokens)

    def machine() -> Machine:
        return Machine(
            on_disk=weights.ready,
            has_key=lambda model: _has_key(model, loaded),
            today=datetime.now(UTC).date(),
            refused=refused,
        )

    try:
        basis = RunContext(settings=settings, catalog=catalog, machine=machine, door=door, ledger=ledger)
        turns = TurnReader(reader, pdfs, settings.limits)
        tasks = Tasks(Path(settings.tasks_dir), taught=settings.taught_path, allowed=trust.require_code)
        pinner = Pinner(second_reader=catalog.get(ENCODER), sha256=weights.sha256, ready=weights.ready)
        certificates = Certificates(ledger.certificates, pinner)

        def embed() -> Embed | None:
            return encoders.embed(catalog.get(ENCODER))

        def features() -> Features | None:
            return encoders.features(catalog.get(ENCODER))

        school = school or School(training=_training(features), opening=_opening(features))
        students = Students(
            ledger.students,
            settings.students_path,
            shipped=shipped(SHIPPED),
            opening=school.opening,
            serving=settings.ladder.students,
        )
        inputs = Inputs(ledger.inputs, settings.inputs_path, settings.reviews)
        drawn = asyncio.Event()
        runner = Runner(
            basis,
            pictures=reader,
            pdfs=pdfs,
            embed=embed,
            inputs=inputs,
            cover=certificates.cover,
            on_audit=drawn.set,
            student=students.of,
        )
        audits = Audits(ledger, certificates)
        chat = Chat(basis, turns=turns)
        storage = Storage(ledger, settings.keys)
        files = Files(
            ledger.files, settings.files_path, settings.files, storage=storage, checks={"fine-tune": read_chat}
        )
        await files.tidy()
        await inputs.tidy()
        await students.tidy()
        recorder = Recorder(basis, runner, tokens)

        certifier = Certifier(
            runner=runner,
            recorder=recorder,
            pinner=pinner,
            certificates=certificates,
            load=_statistics,
            worth=CostModel(
                machine_nano_usd_per_second=settings.worth.machine_usd_per_hour * 1e9 / 3600,
                review_nano_usd=settings.worth.review_usd * 1e9,
            ),
            folder=settings.records_path,
        )
        distiller = Distiller(
            runner=runner, students=students, certificates=certificates, certifier=certifier, load=school.training
        )
        tuner = Tuner(
            runner=runner, students=students, certifier=certifier, tasks=tasks, tokens=tokens, load=school.training
        )
        fine_tuning = FineTuning(ledger.fine_tuning, files=files, tasks=tasks, tuner=tuner)
        services = Services(
            settings=settings,
            door=door,
            catalog=catalog,
            tasks=tasks,
            runner=runner,
            recorder=recorder,
            designer=Designer(basis, runner, tokens),
            converser=ConversationService(
                catalog=catalog,
                tasks=tasks,
                runner=runner,
                chat=chat,
                tokens=tokens,
                fine_tuned=fine_tuning.model,
                on_review=settings.reviews.on_review,
            ),
            decider=Decider(basis, reader=turns),
            embedder=Embedder(basis, embed=encoders.embed, encoding=Cl100k()),
            images=images,
            files=files,
            ledger=ledger,
            keyring=Keyring(ledger.keys),
            pinner=pinner,
            certificates=certificates,
            certifier=certifier,
            distiller=distiller,
            fine_tuning=fine_tuning,
            teacher=Teacher(basis, runner, settings.records_path, tokens),
            inputs=inputs,
            rates=rates,
            readiness=Readiness(basis, runner, tasks, loaded.file),
            reads=Reads(settings.keys),
            storage=storage,
            retention=Retention(ledger.purging, inputs, settings.runs),
            reviews=Reviews(ledger, tasks, runner, inputs, settings.reviews, audits=audits),
            audits=audits,
            auditor=Auditor(basis, runner, tasks=tasks, inputs=inputs, certificates=certificates, wake=drawn),
            students=students,
        )
        yield App(services=services, weights=weights)
    finally:
        await pool.close()
        await reader.close()
        await images.close()
        await pdfs.close()
        await encoders.close()
        await ledger.close()


def _own(settings: Settings) -> None:
    """Make the data folder, and keep others out of what is in it but the weights. Raises OSError."""
    disk.make_folder(settings.data_path)
    kept = (settings.files_path, settings.inputs_path, settings.students_path)
    for path in (*kept, settings.taught_path, settings.records_path, settings.data_path / "logs"):
        disk.tighten(path)
    if disk.is_open_to_others(settings.data_path):
        disk.restrict(settings.data_path, disk.FOLDER_MODE)


class _Encoders:
    """The sentence encoders, each once its weights are on disk: for vectors, and to read labels beside a model."""

    def __init__(self, weights: WeightsStore) -> None:
        self._weights = weights
        self._encoders: dict[str, Encoder] = {}

    def embed(self, model: Model) -> Embed | None:
        """Return what turns texts into vectors; None while the weights are missing."""
        found = self._encoder(model)
        return found.embed if found else None

    def features(self, model: Model) -> Features | None:
        """Return what turns texts into features for students; None while the weights are missing."""
        found = self._encoder(model)
        return found.features if found else None

    def _encoder(self, model: Model) -> Encoder | None:
        if model.id not in self._encoders and self._weights.ready(model):
            weights = self._weights
            self._encoders[model.id] = Encoder(
                weights.require(model, "model"),
                weights.require(model, "tokenizer"),
                weights.require(model, "config"),
                check=lambda: weights.check(model),
            )
        return self._encoders.get(model.id)

    async def close(self) -> None:
        """Let go of the weights."""
        for encoder in self._encoders.values():
            await encoder.close()


def _opening(features: Callable[[], Features | None]) -> Open:
    """Make what opens students."""

    def open_student(artifact: Artifact) -> Student:
        if artifact.kind == "extract":
            return Extractor(ExtractStudent(artifact))
        return Classifier(ClassifyStudent(artifact, features()))

    return open_student


def _training(features: Callable[[], Features | None]) -> Callable[[], Training]:
    """Return what loads the training of students, as heavy as the statistics."""

    def load() -> Training:
        found: Training = importlib.import_module("firstline.students.distill.training").Trainer(features, ENCODER)
        return found

    return load


def _statistics() -> Statistics:
    """Load what computes certificates: SciPy and scikit-learn take a second, and nothing else needs them."""
    found: Statistics = importlib.import_module("firstline.certify.certification")
    return found


def _engine(model: Model, weights: WeightsStore, loaded: Loaded, refused: Mapping[str, str]) -> Engine:
    """Make the engine of a model. Raises WeightsMissingError, EngineUnavailableError or FolderNotAllowedError."""
    settings = loaded.settings
    if model.id in refused:
        raise FolderNotAllowedError(refused[model.id], hint="`firstline doctor` says how to allow it")
    if model.engine == "fake":
        return Fake.load(Path(model.script)) if model.script else Fake()
    if model.remote is not None:
        remote = model.remote
        return OpenAIHTTP(
            remote.base_url,
            model=remote.model,
            api_key=loaded.secrets.get(remote.api_key_env) if remote.api_key_env else None,
            timeout_s=remote.timeout_s,
            uses_max_completion_tokens=remote.max_completion_tokens,
            extra={"reasoning_effort": remote.reasoning_effort} if remote.reasoning_effort else {},
        )
    if model.engine != "llama_cpp":
        raise EngineUnavailableError(f"{model.id} cannot answer requests: it makes vectors")
    return _local_engine(model, weights, settings)


def _local_engine(model: Model, weights: WeightsStore, settings: Settings) -> Engine:
    llama = settings.llama
    weight, mmproj = weights.require(model, "model"), weights.path(model, "mmproj")

    def engine(context: int, parallel: int, log_name: str = "") -> LlamaCpp:
        return LlamaCpp(
            weight,
            mmproj,
            context=context,
            parallel=parallel,
            threads=_threads(settings),
            gpu_layers=llama.gpu_layers,
            start_s=llama.start_s,
            call_s=llama.call_s,
            log_dir=settings.data_path / "logs",
            log_name=log_name,
            check=lambda: weights.check(model),
        )

    short = min(llama.context, model.context or llama.context)
    long = min(llama.long_context, model.context or 0)
    if long <= short:
        return engine(short, llama.parallel)
    return LongWindow(engine(short, llama.parallel), engine(long, 1, f"{weight.stem}.long"))


def _has_key(model: Model, loaded: Loaded) -> bool:
    if model.remote is None:
        return True
    return not model.remote.api_key_env or bool(loaded.secrets.get(model.remote.api_key_env))


def _threads(settings: Settings) -> int:
    """The settings' threads, or as many as this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return settings.llama.threads or available or 1
