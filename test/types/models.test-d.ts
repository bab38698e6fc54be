// Type tests of models, which `npm run check` compiles with the sources and `npm run verify` with the packed types.
// The file is never run. A line after @ts-expect-error that compiles is an error.

import {
  type CallArguments,
  Callback,
  type CallbackModel,
  type CompileOptions,
  type Config,
  type CustomLayer,
  type CustomLayerClass,
  type CustomLoss,
  callbacks,
  constraints,
  data,
  enableProdMode,
  getBackend,
  grad,
  grads,
  type History,
  initializers,
  input,
  type Layer,
  type LayerOptions,
  type LayersModel,
  type LayerVariable,
  type Logs,
  type LSTMLayerArgs,
  layers,
  loadLayersModel,
  type ModelCompileArgs,
  metrics,
  type RNN,
  regularizers,
  type Scalar,
  type Sequential,
  type Shape,
  type Stream,
  schedules,
  sequential,
  serialization,
  setBackend,
  setRandomSeed,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  train,
  valueAndGrad,
  zeros,
} from 'lstm-wasm';
import { expectTypeOf } from 'vitest';

const model = sequential();
const x = tensor([[[0], [1]]]);

// ---------------------------------------------------------------------------------------------------------- results

expectTypeOf(model).toEqualTypeOf<Sequential>();
expectTypeOf<Sequential>().toExtend<CallbackModel>();
callbacks.modelCheckpoint({ save: (_epoch, _logs, given: Sequential) => given.summary(), saveBestOnly: false });
expectTypeOf(model.trainOnBatch(x, x)).toEqualTypeOf<number | number[]>();
expectTypeOf(model.testOnBatch(x, x)).toEqualTypeOf<number | number[]>();
expectTypeOf(model.predict(x)).toEqualTypeOf<Tensor>();
expectTypeOf(model.predict(x, { batchSize: 50 })).toEqualTypeOf<Tensor>();
expectTypeOf(model.predictOnBatch(x)).toEqualTypeOf<Tensor>();
expectTypeOf(model.evaluate(x, x).dataSync()).toExtend<ArrayLike<number>>();
const [loss, accuracy] = model.evaluate(x, x);
expectTypeOf([loss, accuracy]).toEqualTypeOf<(Tensor | undefined)[]>();
expectTypeOf(model.evaluate(x, x) as Tensor[]).toEqualTypeOf<Tensor[]>();
expectTypeOf(model.evaluate(x, x) as Scalar).toEqualTypeOf<Tensor>();
const either: Tensor | Tensor[] = model.evaluate(x, x);
expectTypeOf(Array.isArray(either) ? either[0] : either).toEqualTypeOf<Tensor | undefined>();
const [first] = await model.evaluateDataset([{ xs: x, ys: x }]);
expectTypeOf(first).toEqualTypeOf<Tensor | undefined>();
expectTypeOf(model.fit(x, x)).resolves.toEqualTypeOf<History>();
expectTypeOf(model.getWeights()).toEqualTypeOf<Tensor[]>();
expectTypeOf(model.getStates()).toEqualTypeOf<Tensor[][]>();
expectTypeOf(model.stream()).toEqualTypeOf<Stream>();
expectTypeOf(model.snapshot()).toExtend<Uint8Array>();
expectTypeOf(loadLayersModel('file://model/model.json')).resolves.toEqualTypeOf<Sequential>();
expectTypeOf<History['history']>().toEqualTypeOf<Record<string, number[]>>();
expectTypeOf(model.predict(x).dataSync()).toExtend<ArrayLike<number>>();
expectTypeOf(model.predict(x).shape).toExtend<readonly number[]>();
expectTypeOf(model.inspect('lstm_1', x).h).toEqualTypeOf<Tensor>();
expectTypeOf(model.inspect('lstm_1', x).i).toEqualTypeOf<Tensor | undefined>();

// The type of a tensor does not include its rank, so arraySync() can be used as any depth of arrays.
const rows: number[][] = x.arraySync();
expectTypeOf(x.arraySync().map(([a, b]) => [a, b])).toExtend<(number | undefined)[][]>();
expectTypeOf(x.arraySync()[0]![1]!.toFixed(2)).toEqualTypeOf<string>();
const total: number = x.arraySync();
tensor([rows[0]!, [total, 2]]);
tensor(x.arraySync());

// ------------------------------------------------------------------------------------- programs that must compile

model.add(layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
model.add(layers.gru({ units: 4, inputShape: [null, 3], recurrentActivation: 'sigmoid', resetAfter: false }));
model.add(layers.minGRU({ units: 4, activation: 'tanh', returnSequences: true, kernelRegularizer: 'l2' }));
model.add(layers.bidirectional({ layer: layers.minLSTM({ units: 2, dropout: 0.1 }), mergeMode: 'sum' }));
model.add(layers.bidirectional({ layer: layers.simpleRNN({ units: 2 }), mergeMode: 'concat' }));
layers.bidirectional({ layer: layers.lstm({ units: 2, returnState: true }), backwardLayer: null, mergeMode: null });
model.add(layers.timeDistributed({ layer: layers.dense({ units: 1, activation: 'tanh' }) }));
model.add(layers.batchNormalization({ momentum: 0.9, gammaRegularizer: 'l2', movingMeanInitializer: 'zeros' }));
model.add(layers.layerNormalization());
model.compile({ optimizer: train.adam(0.006), loss: 'meanSquaredError' });
model.compile({ optimizer: train.adam({ learningRate: 0.1, clipNorm: 1 }), loss: 'mse', metrics: ['acc', 'mae'] });
const decay = { initialLearningRate: 0.1, decaySteps: 100, decayRate: 0.9 };
model.compile({ optimizer: train.sgd(schedules.exponentialDecay(decay)), loss: 'binaryCrossentropy' });
model.compile({ optimizer: 'adam', loss: 'mse' });
const bias = (yTrue: Tensor, yPred: Tensor) => yPred.sub(yTrue).mean();
model.compile({ optimizer: 'adam', loss: (yTrue, yPred) => yTrue.sub(yPred).square().mean(), metrics: [bias, 'mae'] });
model.compile({ optimizer: 'adam', loss: ['mse', (yTrue, yPred) => yTrue.sub(yPred).abs()], metrics: bias });
model.compile({
  optimizer: 'adam',
  loss: { top: (a, b) => a.sub(b).abs() },
  metrics: { top: [bias], side: metrics.mse },
});
const own: CustomLoss = { name: 'own', value: (a, b) => a.sub(b).square(), gradient: (a, b) => b.sub(a).mul(2) };
model.compile({ optimizer: 'adam', loss: own });
model.compile({ optimizer: 'adam', loss: metrics.meanSquaredError });
expectTypeOf(grad(given => given.square())([1, 2])).toEqualTypeOf<Tensor>();
expectTypeOf(grads((a, b) => a.mul(b))([x, 2])).toEqualTypeOf<Tensor[]>();
expectTypeOf(valueAndGrad(given => given.square())(x)).toEqualTypeOf<{ grad: Tensor; value: Tensor }>();
model.trainOnBatch([[[0], [1]]], [[0.5]]);
model.trainOnBatch(new Float32Array(2), new Float32Array(1));
model.predict([[new Float32Array(2), [1, 2]]]);
tensor([new Float32Array(2), new Int32Array(2)]);
model.fitDataset(data.array([{ xs: x, ys: x }]), { epochs: 2 });

// Type names of TF.js: tensors of each rank, loaded models, and options.
expectTypeOf<Scalar>().toEqualTypeOf<Tensor>();
expectTypeOf<Tensor1D>().toEqualTypeOf<Tensor>();
expectTypeOf<Tensor2D>().toEqualTypeOf<Tensor>();
expectTypeOf<Tensor3D>().toEqualTypeOf<Tensor>();
expectTypeOf<Tensor4D>().toEqualTypeOf<Tensor>();
expectTypeOf<Sequential>().toExtend<LayersModel>();
const args: LSTMLayerArgs = { units: 2 };
model.add(layers.bidirectional({ layer: layers.lstm(args) as RNN }));
expectTypeOf<ModelCompileArgs>().toEqualTypeOf<CompileOptions>();
expectTypeOf(model.outputShape).toEqualTypeOf<(number | null)[]>();
expectTypeOf(model.getWeights(true)).toEqualTypeOf<Tensor[]>();
model.compile({ optimizer: 'adam', loss: ['mse'] });
model.fit([x], [x], { validationData: [[x], [x]] });
model.predict([x]);
model.predict([x, x]);
model.compile({ optimizer: 'adam', loss: ['mse', 'mae'] });

expectTypeOf(setBackend('webgl')).resolves.toEqualTypeOf<boolean>();
expectTypeOf(getBackend()).toEqualTypeOf<string>();
expectTypeOf(enableProdMode()).toEqualTypeOf<void>();

// ----------------------------------------------------------------------------------------------------- callbacks

model.fit(x, x, {
  callbacks: {
    onEpochEnd(epoch, logs) {
      expectTypeOf(epoch).toEqualTypeOf<number>();
      expectTypeOf(logs).toEqualTypeOf<Logs>();
      expectTypeOf<Logs>().toEqualTypeOf<Record<string, number>>();
    },
    onBatchEnd: async batch => {
      expectTypeOf(batch).toEqualTypeOf<number>();
    },
  },
});
model.fit(x, x, { callbacks: [callbacks.earlyStopping({ patience: 3 }), { onTrainBegin() {} }] });
const losses: number[] = [];
model.fit(x, x, { callbacks: { onEpochEnd: (_epoch, logs) => losses.push(logs.loss!) } });
model.fit(x, x, { callbacks: [{ onBatchEnd: (_batch, { loss }) => loss! < 1 && console.log(loss) }] });
model.fit(x, x, { callbacks: { onEpochEnd: async (epoch, logs) => epoch % 10 === 0 && console.log(logs.val_loss) } });

// Custom callbacks may be synchronous, or written for TF.js.
class Quick extends Callback {
  override onEpochEnd(_epoch: number, logs: Logs) {
    return losses.push(logs.loss!);
  }
  override async onBatchEnd(_batch: number, logs?: Logs): Promise<void> {
    losses.push(logs?.loss ?? 0);
  }
}
model.fit(x, x, { callbacks: new Quick() });

// Options can be kept in a constant.
const options = { epochs: 3, verbose: 0, validationData: [x, x] };
model.fit(x, x, options);

// -------------------------------------------------------------------------------- programs that must not compile

// @ts-expect-error units is missing
layers.lstm({ inputShape: [4, 2] });
// @ts-expect-error misspelled option
layers.lstm({ units: 4, returnSequence: true });
// @ts-expect-error no gate reads the state
layers.minGRU({ units: 2, recurrentDropout: 0.5 });
// @ts-expect-error a string in place of a number
layers.lstm({ units: '4' });
// @ts-expect-error unknown activation
layers.dense({ units: 4, activation: 'tanhh' });
// @ts-expect-error unknown initializer
layers.gru({ units: 4, kernelInitializer: 'glorotUnifrom' });
// @ts-expect-error a string in place of a boolean
layers.lstm({ units: 4, returnState: 'true' });
// @ts-expect-error unknown merge mode
layers.bidirectional({ layer: layers.gru({ units: 2 }), mergeMode: 'concatenate' });
// @ts-expect-error a layer is made by a factory
model.add({ units: 3 });
// @ts-expect-error loss is missing
model.compile({ optimizer: 'adam' });
// @ts-expect-error unknown loss
model.compile({ optimizer: 'adam', loss: 'meanSquaredErrors' });
// @ts-expect-error
model.compile({ optimizer: 'adam', loss: () => 3 });
// @ts-expect-error
model.compile({ optimizer: 'adam', loss: { name: 'own', value: bias, gradient: () => 3 } });
// @ts-expect-error unknown optimizer
model.compile({ optimizer: 'adams', loss: 'mse' });
// @ts-expect-error unknown metric
model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['accurate'] });
// @ts-expect-error unknown option
train.adam({ learningRate: 0.1, beta: 0.9 });
// @ts-expect-error targets are missing
model.trainOnBatch(x);
// @ts-expect-error a string is not an array
model.predict('x');
// @ts-expect-error unknown option
model.predict(x, { batchsize: 50 });
// @ts-expect-error unknown option
model.fit(x, x, { epoch: 3 });
// @ts-expect-error unknown event
model.fit(x, x, { callbacks: { onEpochEnds() {} } });
// @ts-expect-error logs hold numbers
model.fit(x, x, { callbacks: { onEpochEnd: (_epoch, logs) => logs?.loss?.trim() } });
// @ts-expect-error a loss may be a list
model.trainOnBatch(x, x).toFixed(2);
// @ts-expect-error fit returns a promise
model.fit(x, x).history;
// @ts-expect-error unknown mode
callbacks.earlyStopping({ mode: 'least' });
// @ts-expect-error a seed is a number
setRandomSeed('7');
// @ts-expect-error sizes are numbers
zeros(['2', '3']);

// ------------------------------------------------------------------------------------------------------------- masks

const sequence = input({ shape: [null, 3] });
const counts = input({ shape: [null] });
layers.lstm({ units: 2 }).apply(sequence, { mask: counts });
layers.attention().apply([sequence, sequence], { mask: [null, counts] });
expectTypeOf(layers.lstm({ units: 2 }).apply(zeros([1, 2, 3]), { mask: zeros([1, 2]) })).toEqualTypeOf<Tensor>();
// @ts-expect-error a nested array
layers.lstm({ units: 2 }).apply(sequence, { mask: [[1, 0]] });

// ---------------------------------------------------------------------------------------------------- custom layers

class Scale extends layers.Layer {
  static readonly className = 'Scale';
  factor!: LayerVariable;
  readonly power: number;

  constructor(config: LayerOptions & { power: number }) {
    super(config);
    this.power = config.power;
    this.supportsMasking = true;
    this.perTimeStep = true;
    expectTypeOf(this.built).toEqualTypeOf<boolean>();
  }

  override build(inputShape: Shape): void {
    this.factor = this.addWeight('factor', [inputShape.at(-1)!], 'float32', 'ones', 'l2', true, 'nonNeg');
    this.addWeight('other', [1], null, initializers.zeros(), regularizers.l1(), false, constraints.nonNeg());
    // @ts-expect-error there is no such initializer
    this.addWeight('wrong', [1], 'float32', 'none');
    // @ts-expect-error weights are float32
    this.addWeight('wrong', [1], 'int32');
    super.build(inputShape);
  }

  override call([first]: [Tensor], { training, mask }: CallArguments): Tensor {
    expectTypeOf(training).toEqualTypeOf<boolean>();
    expectTypeOf(mask).toEqualTypeOf<Tensor | (Tensor | null)[] | undefined>();
    return first.mul(this.factor.read()).pow(this.power);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  override getConfig(): Config {
    return { ...super.getConfig(), power: this.power };
  }
}

serialization.registerClass(Scale);
expectTypeOf(serialization.registerClass).parameter(0).toEqualTypeOf<CustomLayerClass>();
const scale = new Scale({ power: 2, inputShape: [3] });
expectTypeOf(scale).toExtend<Layer>();
expectTypeOf<layers.Layer>().toEqualTypeOf<CustomLayer>();
sequential({ layers: [scale] }).add(new Scale({ power: 1 }));
expectTypeOf(scale.factor.read()).toEqualTypeOf<Tensor>();
expectTypeOf(scale.factor.write([1])).toEqualTypeOf<LayerVariable>();
expectTypeOf(scale.apply(x)).toEqualTypeOf<Tensor>();

/** A layer of several inputs and outputs. */
class Swap extends layers.Layer {
  static readonly className: string = 'Swap';
  override call(inputs: Tensor[]): Tensor[] {
    return inputs.toReversed();
  }
  override computeOutputShape(inputShapes: Shape[]): Shape[] {
    return inputShapes.toReversed();
  }
  override computeMask(_inputs: Tensor[], masks: (Tensor | null)[]): (Tensor | null)[] {
    return masks.toReversed();
  }
}
serialization.registerClass(Swap);

// @ts-expect-error a custom layer must have call
class Idle extends layers.Layer {
  static readonly className = 'Idle';
}
void Idle;
class Nameless extends layers.Layer {
  override call([first]: [Tensor]): Tensor {
    return first;
  }
}
// @ts-expect-error a class needs a className to be registered
serialization.registerClass(Nameless);
// @ts-expect-error the base class is abstract
new layers.Layer();
// @ts-expect-error addWeight is for subclasses
scale.addWeight('late', [1]);
