import { readSync, writeSync } from 'node:fs'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { givenOrders } from '../harness/child.ts'
import { randomFrom } from '../harness/random.ts'
import { context } from './observe.ts'
import { keptByWrites, keptVersions, nextOperation, type Operation, type Outcome, valueOf } from './operation.ts'
import { outcomeOf } from './outcome.ts'
import { storeKeys } from './store-keys.ts'
import type { Workload } from './workload.ts'

/*
 * A worker that changes a store at random until it is killed or done. It writes a line before and
 * after each operation, with a system call each, so that a kill loses no acknowledgement.
 */
const { path, worker, seed, generation, operations, stepwise, lockTimeoutMs = 60_000 } = givenOrders() as Workload // as `startWorker` gives them

async function work(): Promise<void> {
  const random = randomFrom(seed)
  const provider = localProvider({ path, keys: storeKeys(generation), keepVersions: keptByWrites, lockTimeoutMs })
  writeLine({ worker })
  for (let n = 0; n < operations; n++) {
    const operation = nextOperation(random, worker, `${worker}.${n}`)
    if (stepwise) nextStep()
    writeLine({ about: operation })
    writeLine({ ended: await outcomeOf(apply(provider, operation)) })
  }
  if (stepwise) nextStep() // until then the files of the store are not touched
  await provider.close()
}

function writeLine(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

/** Blocks until there is a byte on the input. */
function nextStep(): void {
  readSync(0, Buffer.alloc(1))
}

async function apply(provider: LocalProvider, operation: Operation): Promise<Outcome> {
  switch (operation.do) {
    case 'put':
    case 'rotate':
      return { version: (await provider.put(operation.name, { value: valueOf(operation.text) }, context)).version }
    case 'prune':
      await provider.prune({ keepVersions: keptVersions, path: operation.name })
      return {}
    case 'restore':
      await provider.restore(operation.name, context)
      return {}
    case 'reencrypt':
      await provider.reencrypt()
      return {}
    default:
      await provider.delete(operation.name, { purge: operation.do === 'purge' }, context)
      return {}
  }
}

void work()
