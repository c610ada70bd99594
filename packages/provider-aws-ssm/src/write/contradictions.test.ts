import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SsmProvider } from '../ssm-provider.ts'
import { context } from '../testing/ssm-trial.ts'
import { type Ending, SteppedParameter } from '../testing/stepped-parameter.ts'

const path = '/prod/db'

type Kind = 'put' | 'put with tags' | 'put if none' | 'tag' | 'delete'

interface Operation {
  readonly kind: Kind
  readonly process: number
  readonly value: string
  /** What its caller was told; `open`: nothing, or that nobody knows. */
  told: 'ok' | 'done' | 'refused' | 'open'
  version?: number | undefined
}

/** Processes that change one parameter at once, and what each was told. */
class Processes {
  readonly parameter: SteppedParameter = new SteppedParameter()
  readonly operations: Operation[] = []

  async start(kind: Kind): Promise<void> {
    const { provider, process } = this.parameter.newProcess()
    const operation: Operation = { kind, process, value: `value ${process}`, told: 'open' }
    this.operations.push(operation)
    void run(provider, operation).then(
      (receipt) => void Object.assign(operation, { told: 'ok', version: Object(receipt).version }),
      (error: unknown) => void (operation.told = toldBy(error)),
    )
    await this.parameter.begun()
  }

  /** Answers that cannot be true. */
  contradictions(): string[] {
    const { changedBy, written } = this.parameter
    const isDone = ({ kind, process, value, version }: Operation): boolean => {
      if (kind === 'tag') return changedBy.has(process)
      // A deletion that is repeated finds nothing, whoever removed it.
      return kind === 'delete' || written.some((one) => one.value === value && one.version === (version ?? one.version))
    }
    const wrong = this.operations.filter((one) => {
      if (one.told === 'refused') return changedBy.has(one.process)
      return one.told !== 'open' && !isDone(one)
    })
    const twice = this.operations.filter((one) => written.filter(({ value }) => value === one.value).length > 1)
    return [
      ...wrong.map(({ kind, value, told }) => `${kind} of ${value}: ${told}`),
      ...twice.map(({ value }) => `${value} was written twice`),
    ]
  }
}

async function run(provider: SsmProvider, { kind, value }: Operation): Promise<unknown> {
  if (kind === 'tag') return provider.tag(path, { set: value, dropped: null }, context)
  if (kind === 'delete') return provider.delete(path, { purge: true }, context)
  const more = kind === 'put if none' ? { ifCurrent: null } : kind === 'put' ? {} : { tags: { by: value } }
  return provider.put(path, { value, ...more }, context)
}

function toldBy(error: unknown): Operation['told'] {
  if (!SecretsError.isInstance(error) || error.effect === 'unknown') return 'open'
  return error.effect === 'done' ? 'done' : 'refused'
}

const kinds = ['put', 'put with tags', 'put if none', 'tag', 'delete'] as const
const endings: readonly Ending[] = ['answer', 'answer', 'answer', 'lose the request', 'lose the answer', 'kill before', 'kill after']
const start = fc.constantFrom(...kinds).map((kind) => ({ kind }))
const end = fc.tuple(fc.constantFrom(...endings), fc.nat(5)).map(([ending, at]) => ({ ending, at }))

test('no two processes are told what cannot both be true', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(start, end, end), { maxLength: 30 }), async (steps) => {
      const real = new Processes()
      for (const step of steps) await ('kind' in step ? real.start(step.kind) : real.parameter.end(step.at, step.ending))
      await real.parameter.endAll()
      expect(real.contradictions()).toEqual([])
    }),
    { numRuns: 300, interruptAfterTimeLimit: 25_000 },
  )
})
