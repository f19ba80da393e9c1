import type { Problem } from '../problems.ts';

/**
 * Finds the field `promotionWindows` anywhere in a value. Open-source Kargo accepts the field and ignores it: a window that
 * is written there blocks nothing, so it is refused when the system is rendered.
 *
 * @param path where the value stands, for the problem
 */
export function kargoPromotionWindowProblems(value: unknown, path: string): readonly Problem[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => kargoPromotionWindowProblems(item, `${path}.${index}`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === 'promotionWindows' || key === 'promotionWindow'
      ? [
          {
            path: `${path}.${key}`,
            problem: 'open-source Kargo ignores its own promotion windows, so that nothing would be blocked',
            remedy: 'remove it and give the stage a gate with a window',
          },
        ]
      : kargoPromotionWindowProblems(child, `${path}.${key}`),
  );
}
