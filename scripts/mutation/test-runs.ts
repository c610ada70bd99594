import { join } from 'node:path'
import { createVitest, type TestModule, type Vitest } from 'vitest/node'
import { root } from '../files.ts'
import { mutatedCode } from './targets.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The number of the mutant that is on; -1: none. */
    mutant: number
  }
  interface TaskMeta {
    /** Met by this test. */
    mutants?: readonly number[]
    /** Met when its file was loaded. */
    loaded?: readonly number[]
  }
}

/** Which tests to run: ids by absolute path of their file. */
export type Selection = Readonly<Record<string, readonly string[] | undefined>>

/** One test, and what it is good for. */
export interface TestCoverage {
  readonly file: string
  readonly id: string
  readonly durationMs: number
  readonly mutants: readonly number[]
  readonly loaded: readonly number[]
}

export interface TestRuns {
  /** Runs the selected tests with this mutant on; whether they all passed. */
  readonly pass: (mutant: number, selection: Selection) => Promise<boolean>
  /**
   * Runs all tests of these files with no mutant on; what fails even so tells nothing of mutants,
   * and is left out.
   */
  readonly cover: (files: readonly string[]) => Promise<readonly TestCoverage[]>
}

/** Tests of mutated code, again and again in one process. */
export async function testRuns(files: readonly string[]): Promise<TestRuns> {
  const vitest = await mutatedVitest(files)
  const run = async (mutant: number, selection: Selection): Promise<{ ok: boolean; modules: readonly TestModule[] }> => {
    vitest.provide('mutant', mutant)
    vitest.config.bail = mutant === -1 ? 0 : 1
    const specifications = Object.entries(selection).map(([file, testIds]) =>
      vitest.getRootProject().createSpecification(file, testIds && { testIds: [...testIds] }),
    )
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
    // Modules of earlier runs are among them.
    const modules = testModules.filter(({ moduleId }) => Object.hasOwn(selection, moduleId))
    return { ok: unhandledErrors.length === 0 && modules.every((module) => module.state() === 'passed'), modules }
  }
  return {
    pass: async (mutant, selection) => (await run(mutant, selection)).ok,
    cover: async (testFiles) => {
      const { modules } = await run(-1, Object.fromEntries(testFiles.map((file) => [file, undefined])))
      return modules.flatMap(coverageOf)
    },
  }
}

function mutatedVitest(files: readonly string[]): Promise<Vitest> {
  const { code } = mutatedCode(files)
  // A cache on disk would hand out code that was mutated before.
  const options = {
    root,
    watch: false,
    fsModuleCache: false,
    maxWorkers: 1,
    reporters: [{}],
    setupFiles: [join(import.meta.dirname, 'switch.ts')],
    testTimeout: 10_000,
  }
  const mutate = { name: 'mutate', enforce: 'pre' as const, load: (id: string) => code.get(id) }
  return createVitest({ ...options, pool: 'threads' }, { plugins: [mutate] })
}

function coverageOf(module: TestModule): TestCoverage[] {
  return [...module.children.allTests('passed')].map((test) => {
    const { mutants = [], loaded = [] } = test.meta()
    return { file: module.moduleId, id: test.id, durationMs: test.diagnostic()?.duration ?? 0, mutants, loaded }
  })
}
