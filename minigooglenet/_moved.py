"""Names of 0.1 that still work in 0.2 with a DeprecationWarning and will be removed in 0.3.

To keep an old name working, add a row to one of the two tables:

    MODULES : {old module: new module}, or a tuple of new modules if its names moved to several; an empty tuple
        for a package of which only the modules moved, each with a row
    NAMES : {old "module.name": new "module.name"} for a function or a class that moved

Modules in a moved package need no rows if they keep their names. A name with one meaning in the old package and another
in the new one needs a tuple for the package. An old module is the same object as the new one, so no file runs twice: a
second `Exercise("05.1")` would be an error, and a second class breaks isinstance. A function with the name of an old
module does not change: `exercises.quiz` is a function and was also a module, and importing the module does not replace
the function.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from minigooglenet import renamed

_LESSONS = {  # {old module of exercises: the modules that have its exercises now, in the folder of the lesson}
    "lesson_00_start": "lesson_00_start: first_answers",
    "lesson_01_feature_map": "lesson_01_feature_map: one_value output_size shifting",
    "lesson_01_feature_map_2": "lesson_01_feature_map: whole_map revealing",
    "lesson_02_matrix": "lesson_02_matrix: columns",
    "lesson_02_matrix_2": "lesson_02_matrix: transpose whole_matrix memory",
    "lesson_03_gradients": "lesson_03_gradients: three_gradients",
    "lesson_03_gradients_2": "lesson_03_gradients: by_convolution readers",
    "lesson_04_detective": "lesson_04_trust: three_suspects",
    "lesson_04_differences": "lesson_04_trust: differences relative_error",
    "lesson_04_revealing": "lesson_04_trust: revealing directional",
    "lesson_04_transposes": "lesson_04_trust: transposes",
    "lesson_05_joints": "lesson_05_layers: branches loss",
    "lesson_05_pools": "lesson_05_layers: pools",
    "lesson_05_scaling": "lesson_05_layers: scaling",
    "lesson_06_counting": "lesson_06_counting: convolutions modules",
    "lesson_06_counting_2": "lesson_06_counting: receptive_field live_memory",
    "lesson_06_counting_3": "lesson_06_counting: audit",
    "lesson_07_inception": "lesson_07_inception: bottleneck stem naive_modules two_kernels",
    "lesson_07_inception_2": "lesson_07_inception: module",
    "lesson_08_network": "lesson_08_network: building sides revealing",
    "lesson_08_network_2": "lesson_08_network: depth forks global_pooling",
    "lesson_09_starts": "lesson_09_starts: initialisation products three_losses",
    "lesson_09_starts_2": "lesson_09_starts: batch_norm",
    "lesson_10_training": "lesson_10_training: momentum first_loss schedule",
    "lesson_10_training_2": "lesson_10_training: random_crop four_faulty_runs",
    "lesson_10_training_3": "lesson_10_training: honest_split",
    "lesson_11_crops": "lesson_11_crops: crops errors",
    "lesson_11_crops_2": "lesson_11_crops: averaging errors spending",
    "lesson_12_transfer": "lesson_12_transfer: new_head features region_cost",
    "lesson_12_transfer_2": "lesson_12_transfer: detection",
    "lesson_13_fast": "lesson_13_fast: slices memory_order speedups",
    "lesson_13_fast_2": "lesson_13_fast: winograd compiled_loops",
}


def _of_lessons():
    """Yield the rows of the modules with exercises."""
    for old, row in _LESSONS.items():
        folder, _, files = row.partition(": ")
        new = tuple(f"minigooglenet.lessons.{folder}.{file}" for file in files.split())
        yield f"minigooglenet.exercises.lessons.{old}", new if len(new) > 1 else new[0]


MODULES = {
    "minigooglenet.affinity": "minigooglenet.parallel.affinity",
    "minigooglenet.counting.count": "minigooglenet.counting.counts",
    "minigooglenet.course.checked": "minigooglenet.course.check_runner",
    "minigooglenet.course.gradebook": "minigooglenet.course.grading.gradebook",
    "minigooglenet.course.lessons": "minigooglenet.course.handout",
    "minigooglenet.course.sandbox": "minigooglenet.course.grading.sandbox",
    "minigooglenet.data.batches": "minigooglenet.data.batching",
    "minigooglenet.data.cifar10": "minigooglenet.data.cifar",
    "minigooglenet.data.digits": "minigooglenet.data.handwritten",
    "minigooglenet.data.image_folder": "minigooglenet.data.folders",
    "minigooglenet.data.load": "minigooglenet.data.loading",
    "minigooglenet.exercises.budget": "minigooglenet.lessons.lesson_07_inception.budget",
    "minigooglenet.exercises.detective": "minigooglenet.lessons.lesson_04_trust.detective",
    "minigooglenet.exercises.instruments": "minigooglenet.lessons.lesson_13_fast.instruments",
    "minigooglenet.exercises.lessons": (),  # not minigooglenet.lessons: lesson_08_network means another module there
    "minigooglenet.exercises.looks": "minigooglenet.lessons.lesson_11_crops.small_networks",
    "minigooglenet.exercises.parallel_loops": "minigooglenet.lessons.lesson_13_fast.parallel_loops",
    "minigooglenet.exercises.quiz": "minigooglenet.exercises.cards",
    "minigooglenet.exercises.regions": "minigooglenet.lessons.lesson_12_transfer.regions",
    "minigooglenet.exercises.rungs": "minigooglenet.lessons.lesson_13_fast.rungs",
    "minigooglenet.exercises.scripted": "minigooglenet.lessons.lesson_10_training.scripted",
    "minigooglenet.exercises.sick_runs": "minigooglenet.lessons.lesson_10_training.faulty_runs",
    "minigooglenet.exercises.starts": "minigooglenet.lessons.lesson_09_starts.starts",
    "minigooglenet.exercises.wrong_backwards": "minigooglenet.lessons.lesson_03_gradients.wrong_backwards",
    "minigooglenet.gradcheck.ladder": "minigooglenet.gradcheck.stages",
    "minigooglenet.gradcheck.place": "minigooglenet.gradcheck.error_maps",
    "minigooglenet.inference": "minigooglenet.evaluation",
    "minigooglenet.inference.classify": "minigooglenet.evaluation.classification",
    "minigooglenet.inference.crops": "minigooglenet.evaluation.multicrop",
    "minigooglenet.inference.evaluate": "minigooglenet.evaluation.networks",
    "minigooglenet.inference.predict": "minigooglenet.evaluation.prediction",
    "minigooglenet.inference.table3": "minigooglenet.evaluation.comparison",
    "minigooglenet.kernels.im2col": ("minigooglenet.kernels.numpy.im2col", "minigooglenet.kernels.numpy.conv2d"),
    "minigooglenet.layers.fused": "minigooglenet.planning.fused",
    "minigooglenet.layers.operations": "minigooglenet.counting.costs",
    "minigooglenet.layers.pool": "minigooglenet.layers.pooling",
    "minigooglenet.lessons.lesson_10_training.sick_runs": "minigooglenet.lessons.lesson_10_training.faulty_runs",
    "minigooglenet.lessons.lesson_11_crops.looks": "minigooglenet.lessons.lesson_11_crops.small_networks",
    "minigooglenet.models.reclassed": "minigooglenet.models.replace_classifier",
    "minigooglenet.models.recorded": "minigooglenet.models.factory",
    "minigooglenet.plan": "minigooglenet.planning",
    "minigooglenet.restoring": "minigooglenet.graph.restoring",
    "minigooglenet.tape": "minigooglenet.graph.tape",
    "minigooglenet.training.evaluation": "minigooglenet.evaluation.held_out",
    "minigooglenet.training.experiments": "minigooglenet.training.gradient_norms",
    "minigooglenet.training.find_rate": "minigooglenet.training.rate_finder",
    "minigooglenet.training.records": ("minigooglenet.training.step", "minigooglenet.training.log"),
    "minigooglenet.training.results": "minigooglenet.training.artifacts",
    "minigooglenet.views": "minigooglenet.graph.params",
    "minigooglenet.viz.pictures": "minigooglenet.viz.arrays",
    "minigooglenet.viz.testing": "minigooglenet.viz.evaluation",
    "minigooglenet.weights.fill": "minigooglenet.weights.assign",
    "minigooglenet.weights.own": "minigooglenet.weights.safetensors",
    "minigooglenet.weights.read": ("minigooglenet.weights.detect", "minigooglenet.weights.network"),
    "minigooglenet.wires": "minigooglenet.graph.errors",
    **dict(_of_lessons()),
}
NAMES = {
    "minigooglenet.course.grading.Asked": "minigooglenet.course.grading.grader.GradingOptions",
    "minigooglenet.course.grading.collect": "minigooglenet.course.grading.grader.collect",
    "minigooglenet.course.grading.grade": "minigooglenet.course.grading.grader.grade",
    "minigooglenet.data.Pictures": "minigooglenet.data.dataset.Images",
    "minigooglenet.data.dataset.Pictures": "minigooglenet.data.dataset.Images",
    "minigooglenet.data.transforms.AREA_SHARE": "minigooglenet.data.transforms.AREA_FRACTION",
    "minigooglenet.data.transforms.MIDDLE_SHARE": "minigooglenet.data.transforms.MIDDLE_FRACTION",
    "minigooglenet.evaluation.multicrop.places": "minigooglenet.evaluation.multicrop.crop_list",
    "minigooglenet.evaluation.places": "minigooglenet.evaluation.multicrop.crop_list",
    "minigooglenet.exercises.looks.ask": "minigooglenet.lessons.lesson_11_crops.small_networks.evaluate",
    "minigooglenet.exercises.looks.piece": "minigooglenet.lessons.lesson_11_crops.small_networks.random_crop",
    "minigooglenet.exercises.regions.cut": "minigooglenet.lessons.lesson_12_transfer.regions.crops",
    "minigooglenet.exercises.regions.pieces_to_learn_from": (
        "minigooglenet.lessons.lesson_12_transfer.regions.training_windows"
    ),
    "minigooglenet.exercises.regions.trained_trunk": (
        "minigooglenet.lessons.lesson_12_transfer.regions.trained_backbone"
    ),
    "minigooglenet.exercises.sick_runs.SickRun": "minigooglenet.lessons.lesson_10_training.faulty_runs.FaultyRun",
    "minigooglenet.exercises.sick_runs.cure": "minigooglenet.lessons.lesson_10_training.faulty_runs.solution",
    "minigooglenet.exercises.starts.length": "minigooglenet.lessons.lesson_09_starts.starts.norm",
    "minigooglenet.exercises.starts.started": "minigooglenet.lessons.lesson_09_starts.starts.initialise",
    "minigooglenet.gradcheck.Rung": "minigooglenet.gradcheck.report.Stage",
    "minigooglenet.gradcheck.Slope": "minigooglenet.gradcheck.direction.DirectionalDerivative",
    "minigooglenet.gradcheck.direction.Slope": "minigooglenet.gradcheck.direction.DirectionalDerivative",
    "minigooglenet.gradcheck.ladder.climb": "minigooglenet.gradcheck.stages.run_stages",
    "minigooglenet.gradcheck.report.Rung": "minigooglenet.gradcheck.report.Stage",
    "minigooglenet.kernels.conv2d.choose": "minigooglenet.kernels.fast.conv2d.choose",
    "minigooglenet.layers.KINDS": "minigooglenet.counting.costs.KINDS",
    "minigooglenet.layers.Taped": "minigooglenet.counting.costs.Keeps",
    "minigooglenet.layers.Term": "minigooglenet.counting.costs.Term",
    "minigooglenet.layers.operations.Taped": "minigooglenet.counting.costs.Keeps",
    "minigooglenet.models.blocks.auxiliary_head": "minigooglenet.models.modules.auxiliary_head",
    "minigooglenet.models.blocks.inception": "minigooglenet.models.modules.inception",
    "minigooglenet.models.blocks.inception_naive": "minigooglenet.models.modules.inception_naive",
    "minigooglenet.models.googlenet.mini_googlenet": "minigooglenet.models.mini_googlenet.mini_googlenet",
    "minigooglenet.optim.SCHEDULES": "minigooglenet.schedules.SCHEDULES",
    "minigooglenet.optim.adamw_step": "minigooglenet.adaptive.adamw_step",
    "minigooglenet.optim.average_step": "minigooglenet.training.averaging.average_step",
    "minigooglenet.optim.constant": "minigooglenet.schedules.constant",
    "minigooglenet.optim.cosine": "minigooglenet.schedules.cosine",
    "minigooglenet.optim.norm": "minigooglenet.training.gradient_norms.norm",
    "minigooglenet.optim.paper": "minigooglenet.schedules.paper",
    "minigooglenet.optim.polynomial": "minigooglenet.schedules.polynomial",
    "minigooglenet.optim.stepped": "minigooglenet.schedules.stepped",
    "minigooglenet.optim.warmed_up": "minigooglenet.schedules.warmed_up",
    "minigooglenet.optim.without_decay": "minigooglenet.adaptive.without_decay",
    "minigooglenet.parallel.one_blas_thread": "minigooglenet.parallel.computing",
    "minigooglenet.parallel.spread": "minigooglenet.parallel.parallel_for",
    "minigooglenet.parallel.width": "minigooglenet.parallel.num_workers",
    "minigooglenet.shapes.Windows": "minigooglenet.counting.windows.Windows",
    "minigooglenet.shapes.adaptive_windows": "minigooglenet.counting.windows.adaptive_windows",
    "minigooglenet.shapes.receptive_field": "minigooglenet.counting.windows.receptive_field",
    "minigooglenet.shapes.windows": "minigooglenet.counting.windows.windows",
    "minigooglenet.training.artifacts.leave": "minigooglenet.training.artifacts.write",
    "minigooglenet.training.confusion": "minigooglenet.evaluation.metrics.confusion",
    "minigooglenet.training.evaluation.Evaluation": "minigooglenet.evaluation.held_out.HeldOut",
    "minigooglenet.training.evaluation.evaluate": "minigooglenet.evaluation.held_out.measure",
    "minigooglenet.training.loop.confusion": "minigooglenet.evaluation.metrics.confusion",
    "minigooglenet.training.loop.predict": "minigooglenet.evaluation.prediction.predict",
    "minigooglenet.training.predict": "minigooglenet.evaluation.prediction.predict",
    "minigooglenet.training.step.norms_by_module": "minigooglenet.training.gradient_norms.norms_by_module",
    "minigooglenet.training.step.norms_by_node": "minigooglenet.training.gradient_norms.norms_by_node",
    "minigooglenet.viz.pictures": "minigooglenet.viz.arrays.images",
    "minigooglenet.viz.arrays.pictures": "minigooglenet.viz.arrays.images",
    "minigooglenet.weights.caffe.read": "minigooglenet.weights.detect.read",
    "minigooglenet.weights.npz.read": "minigooglenet.weights.detect.read",
    "minigooglenet.weights.own.read": "minigooglenet.weights.detect.read",
    "minigooglenet.weights.torchvision.read": "minigooglenet.weights.detect.read",
}


class OldNames:
    """An import finder for old module names. `install` it after the package is imported.

    package : "minigooglenet";  modules, names : tables such as MODULES and NAMES
    """

    def __init__(self, package, modules, names):
        self.package, self.modules, self.names = package, modules, names
        olds = [*modules, *names]
        self.owners = {self.now(owner) or owner for owner in (old.rpartition(".")[0] for old in olds)}

    def install(self):
        """Find old modules from now on, before all other finders, and add old names to the loaded modules."""
        sys.meta_path.insert(0, self)
        for owner in self.owners & set(sys.modules):
            self.complete(sys.modules[owner])

    def now(self, old):
        """Return the new name of an old module, a tuple of several, or None if it has not moved."""
        if old in self.modules or not old:
            return self.modules.get(old)
        parent, _, name = old.rpartition(".")
        above = self.now(parent)
        return f"{above}.{name}" if isinstance(above, str) else None

    def find_spec(self, name, path=None, target=None):
        """Return the spec of an old module, or of a new module with old names; None leaves it to the other finders."""
        if not name.startswith(self.package):
            return None
        new = self.now(name)
        if new is not None:
            return ModuleSpec(name, _Alias(name, new))
        if name not in self.owners:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                self.complete(module)

            spec.loader.exec_module = exec_module
        return spec

    def complete(self, module):
        """Add the old names to a loaded module; a function with the name of an old module is not replaced."""
        name, before = module.__name__, vars(module).get("__getattr__")
        functions = vars(module).get("FUNCTIONS", ())  # those that are imported on first use
        prefixes = [name, *(old for old, new in self.modules.items() if new == name)]

        def attribute(missing):
            if missing in functions:
                return before(missing)
            for old in (f"{prefix}.{missing}" for prefix in prefixes):
                if old in self.names:
                    new = self.names[old]
                    renamed.warn(old, new)
                    owner, _, last = new.rpartition(".")
                    return getattr(importlib.import_module(owner), last)
                if old in self.modules:
                    if isinstance(self.modules[old], str):
                        renamed.warn(old, self.modules[old])
                    alias = sys.modules.setdefault(old, _aliased(old, self.modules[old]))
                    setattr(module, missing, alias)  # as an import statement does
                    return alias
            if before is not None:
                return before(missing)
            raise AttributeError(f"module {name!r} has no attribute {missing!r}", name=missing, obj=module)

        module.__getattr__ = attribute
        for old, new in self.modules.items():
            owner, _, last = old.rpartition(".")
            if owner in prefixes and (last in functions or not isinstance(vars(module).get(last, module), ModuleType)):
                sys.modules[old] = _Gathered(old, new)


class _Alias:
    """A loader whose module is the new one, loaded once under its own name."""

    def __init__(self, old, new):
        self.old, self.new = old, new

    def create_module(self, spec):
        if isinstance(self.new, str):
            renamed.warn(self.old, self.new)
        module = _aliased(self.old, self.new)
        self.spec = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self.spec  # restore it: the import system set the spec of the old name


class _Gathered(ModuleType):
    """An old module whose names are now in several new modules."""

    def __init__(self, old, new):
        super().__init__(old, f"The names of {old} in 0.1.")
        self.__path__ = []
        self._new = (new,) if isinstance(new, str) else new

    def __getattr__(self, name):
        for new in () if name.startswith("__") else self._new:
            module = importlib.import_module(new)
            if hasattr(module, name):
                renamed.warn(f"{self.__name__}.{name}", f"{new}.{name}")
                return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)


def _aliased(old, new):
    return importlib.import_module(new) if isinstance(new, str) else _Gathered(old, new)


def install():
    """Make the names of 0.1 work."""
    OldNames("minigooglenet", MODULES, NAMES).install()
