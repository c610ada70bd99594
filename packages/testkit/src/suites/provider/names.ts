import { confusablePaths, hostilePaths } from '../../leaks/hostile-paths.ts'
import { assertValue, member, reads, refusesBefore, rejects, type Suite, type Trial } from './trial.ts'

/** A path is refused, or it is read back exactly. */
export function testNames({ manifest, test, supports }: Suite): void {
  const [held, refused] = [hostilePaths.filter(manifest.canHoldPath), hostilePaths.filter((path) => !manifest.canHoldPath(path))]

  for (const path of refused) {
    test(`names: ${shown(path)} is refused before any call`, async (trial) => {
      for (const call of callsOn(trial, path)) await refusesBefore(trial, call)
      if (supports('getMany')) await refusedAmongOthers(trial, path)
    })
  }

  for (const path of held) {
    test(`names: ${shown(path)} is read back exactly`, async (trial) => {
      await reads(trial, path, undefined)
      await trial.seed(trial.path(1), trial.value(1))
      await trial.seed(path, trial.value(2))
      await reads(trial, path, trial.value(2))
      await reads(trial, trial.path(1), trial.value(1))
      if (supports('put')) await member(trial, 'put')(path, { value: trial.value(3) }, trial.context)
      await reads(trial, path, supports('put') ? trial.value(3) : trial.value(2))
      await reads(trial, trial.path(1), trial.value(1))
    })
  }

  for (const [one, other] of confusablePaths.filter((pair) => pair.every(manifest.canHoldPath))) {
    test(`names: ${shown(one)} and ${shown(other)} are different secrets`, async (trial) => {
      await trial.seed(one, trial.value(1))
      await reads(trial, other, undefined)
      await trial.seed(other, trial.value(2))
      await reads(trial, one, trial.value(1))
      await reads(trial, other, trial.value(2))
    })
  }
}

/** Every call that takes a path. */
function callsOn({ provider, context, value }: Trial, path: string): readonly (() => Promise<unknown>)[] {
  const { get, getVersion, describe, put, tag, restore, staging } = provider
  const remove = provider.delete
  return [
    () => get(path, context),
    ...(getVersion ? [() => getVersion(path, 'previous', context)] : []),
    ...(describe ? [() => describe(path, context)] : []),
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
  await rejects(bad?.status === 'rejected' ? Promise.reject(bad.reason) : Promise.resolve(), 'INVALID_ARGUMENT')
  assertValue(good?.status === 'fulfilled' ? good.value : undefined, trial.value(1))
}

/** Printable and short, for a title. */
function shown(path: string): string {
  const escaped = JSON.stringify(path.slice(0, 40)).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return path.length > 40 ? `${escaped} … (${path.length} characters)` : escaped
}
