import type { Reporter, TestModule, TestSuite } from 'vitest/node'

/** Lists, after all other output, the suites that lacked a server. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => [...module.children.allSuites()].filter(isOutermost).map((suite) => lineFor(module, suite)))
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
  }
}

/** Suites inside a suite that did not run are not listed. */
function isOutermost(suite: TestSuite): boolean {
  return suite.meta().notRun !== undefined && (suite.parent.type === 'module' || suite.parent.meta().notRun === undefined)
}

function lineFor(module: TestModule, suite: TestSuite): string {
  return `NOT RUN  ${module.relativeModuleId} > ${suite.fullName}: needs ${suite.meta().notRun}`
}
