/** One alert, in Prometheus' words. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must last. @default - at once */
  readonly for?: string;
  readonly labels: { readonly severity: 'critical' | 'warning' | 'info' };
  readonly annotations: { readonly summary: string };
}

function alert(
  name: string,
  severity: AlertRule['labels']['severity'],
  expr: string,
  summary: string,
  lasting?: string,
): AlertRule {
  return { alert: name, expr, ...(lasting ? { for: lasting } : {}), labels: { severity }, annotations: { summary } };
}

/**
 * Alerts on the recorder's metrics: data for a Prometheus rule file (`groups:`) or the spec of a PrometheusRule. Not applied
 * by default, because no requirement asks for Prometheus.
 *
 * @param snapshotMinutes age at which the latest snapshot counts as stale
 */
export function recorderAlerts(snapshotMinutes = 180): {
  readonly groups: ReadonlyArray<{ readonly name: string; readonly rules: readonly AlertRule[] }>;
} {
  const of = (metric: string) => `pipelines_recorder_${metric}`;
  return {
    groups: [
      {
        name: 'audit-recorder',
        rules: [
          alert(
            'BreakGlassUsed',
            'critical',
            `increase(${of('break_glass_total')}[10m]) > 0`,
            'Break-glass was used on stage {{ $labels.stage }}.',
          ),
          alert(
            'AuditChainBroken',
            'critical',
            `${of('chain_valid')} == 0`,
            'The audit log was changed: see /verify of the recorder.',
          ),
          alert(
            'AuditLogNotWritable',
            'critical',
            `${of('writable')} == 0 or ${of('write_seconds')} > 60`,
            'Facts do not reach the disk; Kargo still holds them.',
            '2m',
          ),
          alert(
            'AuditRecorderAway',
            'critical',
            `absent(${of('chain_head')}) or ${of('lease_held')} == 0`,
            'Nobody records promotions; Kargo still holds them.',
            '10m',
          ),
          alert(
            'AuditRecorderBlind',
            'warning',
            `${of('following')} == 0`,
            'Objects of kind {{ $labels.kind }} are not followed.',
            '10m',
          ),
          alert(
            'GateObjectsMissing',
            'critical',
            `${of('gate_objects')} == 0`,
            'No policy of the promotion gate is in the cluster.',
            '5m',
          ),
          alert(
            'AuditHeadNotAnchored',
            'warning',
            `${of('chain_head')} > ${of('anchored_head')} and time() - ${of('anchored_timestamp_seconds')} > 7200`,
            'The head of the audit log has not been anchored for two hours.',
          ),
          alert(
            'SnapshotStale',
            'warning',
            `time() - ${of('snapshot_timestamp_seconds')} > ${snapshotMinutes * 60}`,
            "The latest snapshot of Kargo's state is too old.",
          ),
        ],
      },
    ],
  };
}
