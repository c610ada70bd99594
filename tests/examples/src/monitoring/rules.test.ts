import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promtool } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { describe, expect, onTestFinished, test } from 'vitest'
import { alertRules, dashboardPanels, exampleFolder, expectations, renamedRuleTests, runbookSections, suffixedName } from './files.ts'

describe('the alert rules', () => {
  test('are each tested: that it does not fire, that it does, and that it ends', () => {
    const tested = expectations()
    for (const { alert } of alertRules()) {
      const firing = tested.get(alert) ?? []
      expect([alert, firing.includes(true), firing[0]]).toEqual([alert, true, false])
    }
    expect([...tested.keys()].toSorted()).toEqual(
      alertRules()
        .map(({ alert }) => alert)
        .toSorted(),
    )
  })

  test('are tested once: no two tests begin with the same series', () => {
    const series = readFileSync(join(exampleFolder, 'rules.test.yml'), 'utf8')
      .split(/^ {2}- interval/m)
      .slice(1)
    expect(new Set(series.map((text) => text.split('alert_rule_test')[0])).size).toBe(series.length)
  })

  test('are each explained in the guide, with the severity that they have, and no other is', () => {
    const guide = readFileSync(join(exampleFolder, '../../docs/monitoring.md'), 'utf8')
    const explained = [...guide.matchAll(/^\| `(Secrets\w+)` +\| (\w+)/gm)].map(([, alert, severity]) => `${alert} ${severity}`)
    expect(explained).toEqual(alertRules().map(({ alert, labels }) => `${alert} ${labels.severity}`))
  })
})

describe('the runbook of each alert', () => {
  const page = 'https://github.com/finchat/secrets/blob/main/docs/runbooks.md#'

  test('is a section of docs/runbooks.md that names the alert', () => {
    const sections = runbookSections()
    for (const { alert, annotations } of alertRules()) {
      const [before, anchor = ''] = (annotations.runbook_url ?? '').split(/(?<=#)/)
      expect([alert, before, sections.has(anchor)]).toEqual([alert, page, true])
      expect([alert, sections.get(anchor)?.includes(`\`${alert}\``)]).toEqual([alert, true])
    }
  })

  test('is found in the table at the top of the page, too', () => {
    const [top = ''] = readFileSync(join(exampleFolder, '../../docs/runbooks.md'), 'utf8').split(/^## /m)
    const linked = new Set([...top.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor]) => anchor))
    const anchors = alertRules().map(({ annotations }) => annotations.runbook_url?.slice(page.length))
    expect(anchors.filter((anchor) => !linked.has(anchor))).toEqual([])
  })
})

describe('the dashboard', () => {
  test('has panels of their own number and place, whose targets have letters of their own', () => {
    const panels = dashboardPanels()
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { gridPos, targets = [] } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    }
  })
})

describeWithServer('promtool', 'promtool', () => {
  const inFolder = (path: string): string => join(exampleFolder, path)

  test('accepts the rules and the configuration', () => {
    expect(promtool('check', 'rules', inFolder('rules.yml'))).toMatchObject({
      status: 0,
      output: expect.stringContaining(`SUCCESS: ${alertRules().length} rules found`),
    })
    expect(promtool('check', 'config', inFolder('prometheus.yml'))).toMatchObject({ status: 0 })
  })

  test('sees each alert fire and end', () => {
    const { status, output } = promtool('test', 'rules', inFolder('rules.test.yml'))
    expect(output).toContain('SUCCESS')
    expect(status).toBe(0)
  })

  test.each([
    { names: 'with suffixes of units, as a Collector appends them', rename: suffixedName, example: 'provider_degraded_ratio{' },
    { names: 'without any suffix', rename: ({ name }: { readonly name: string }) => name, example: 'secrets_logins{' },
  ])('sees each alert fire and end by names $names', ({ rename, example }) => {
    const folder = mkdtempSync(join(tmpdir(), 'rules-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const tests = renamedRuleTests(rename)
    expect(tests).toContain(example)
    expect(tests).not.toContain('undefined')
    copyFileSync(inFolder('rules.yml'), join(folder, 'rules.yml'))
    writeFileSync(join(folder, 'rules.test.yml'), tests)
    expect(promtool('test', 'rules', join(folder, 'rules.test.yml'))).toMatchObject({
      status: 0,
      output: expect.stringContaining('SUCCESS'),
    })
  })

  test('accepts every expression of the dashboard', () => {
    const expressions = dashboardPanels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(expressions.length).toBeGreaterThan(30)
    const rules = expressions.map((expr, index) => {
      const plain = expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*')
      return { record: `panel_${index}`, expr: plain }
    })
    const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] })) // YAML, as all JSON is
    expect(promtool('check', 'rules', join(folder, 'rules.yml'))).toMatchObject({ status: 0 })
  })
})
