import { quoted } from '@finchat/secrets-core/provider'
import { confusablePaths, hostilePaths } from '../../leaks/hostile-paths.ts'
import { assertRejected, assertValue, member, reads, refusesBefore, type Rules, type Suite, type Trial } from './trial.ts'

/** A path is refused, or it is read back exactly. */
export function testNames(suite: Suite): void {
  const { canHoldPath } = suite.manifest
  const rules = hostilePaths.map((path) => (canHoldPath(path) ? heldRule(suite, path) : refusedRule(suite, path)))
  suite.testTogether(Object.assign({}, ...rules) as Rules) // each part has rules
  const pairs = confusablePaths.filter((pair) => pair.every(canHoldPath))
  suite.testTogether(Object.assign({}, ...pairs.map((pair) => differentRule(...pair))) as Rules) // each part has rules
}

const refusedRule = ({ supports }: Suite, path: string): Rules => ({
  [`names: ${quoted(path)} is refused before any call`]: async (trial) => {
    await refusesBefore(trial, ...callsOn(trial, path))
    if (supports('getMany')) await refusedAmongOthers(trial, path)
  },
})

const heldRule = ({ supports }: Suite, path: string): Rules => ({
  [`names: ${quoted(path)} is read back exactly`]: async (trial) => {
    await reads(trial, path, undefined)
    await trial.seed(trial.path(1), trial.value(1))
    await trial.seed(path, trial.value(2))
    await reads(trial, path, trial.value(2))
    await reads(trial, trial.path(1), trial.value(1))
    if (supports('put')) await member(trial, 'put')(path, { value: trial.value(3) }, trial.context)
    await reads(trial, path, supports('put') ? trial.value(3) : trial.value(2))
    await reads(trial, trial.path(1), trial.value(1))
  },
})

const differentRule = (one: string, other: string): Rules => ({
  [`names: ${quoted(one)} and ${quoted(other)} are different secrets`]: async (trial) => {
    await trial.seed(one, trial.value(1))
    await reads(trial, other, undefined)
    await trial.seed(other, trial.value(2))
    await reads(trial, one, trial.value(1))
    await reads(trial, other, trial.value(2))
  },
})

/** Every call that takes a path. */
function callsOn({ provider, context, value }: Trial, path: string): readonly (() => Promise<unknown>)[] {
  const { get, getVersion, describe, probe, put, tag, restore, staging } = provider
  const remove = provider.delete
  return [
    () => get(path, context),
    ...(getVersion ? [() => getVersion(path, 'previous', context)] : []),
    ...(describe ? [() => describe(path, context)] : []),
    ...(probe ? [() => probe(path, context)] : []),
    ...(put ? [() => put(path, { value: value(1) }, context)] : []),
    ...(tag ? [() => tag(path, { team: 'pay' }, context)] : []),
    ...(remove ? [() => remove(path, { purge: true }, context)] : []),
    ...(restore ? [() => restore(path, context)] : []),
    ...(staging ? [() => staging.put(path, { value: value(1) }, context), () => staging.get(path, context)] : []),
  ]
}

/** A refused path in a batch fails alone. */
async function refusedAmongOthers(trial: Trial, path: string): Promise<void> {
  await trial.seed(trial.path(1), trial.value(1))
  const [bad, good] = await member(trial, 'getMany')([path, trial.path(1)], trial.context)
  assertRejected('getMany', bad, 'INVALID_ARGUMENT')
  assertValue(good?.status === 'fulfilled' ? good.value : undefined, trial.value(1))
}
