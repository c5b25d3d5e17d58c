import java.io.File;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

/**
 * Reads a log with HdrHistogram's own reader and prints what is in it: a line an interval and a clock, a line for each
 * clock's whole, and, into DIR, the percentile curve of each clock as HdrHistogram itself prints it.
 *
 * <p>Usage: ReadLog LOG DIR PERCENTILE...
 */
public class ReadLog {
  public static void main(String[] args) throws Exception {
    Map<String, Histogram> sums = new LinkedHashMap<>();
    HistogramLogReader reader = new HistogramLogReader(new File(args[0]));
    while (reader.hasNext()) {
      EncodableHistogram next = reader.nextIntervalHistogram();
      if (!(next instanceof Histogram)) {
        continue;
      }
      Histogram h = (Histogram) next;
      print("interval " + h.getTag() + " " + h.getStartTimeStamp() + " " + h.getEndTimeStamp(), h, args);
      sums.computeIfAbsent(h.getTag(), tag -> new Histogram(h.getLowestDiscernibleValue(), h.getHighestTrackableValue(), 3))
          .add(h);
    }
    System.out.println("started " + Math.round(reader.getStartTimeSec() * 1000));
    for (Map.Entry<String, Histogram> e : sums.entrySet()) {
      print("whole " + e.getKey() + " 0 0", e.getValue(), args);
      try (PrintStream out = new PrintStream(new FileOutputStream(new File(args[1], e.getKey() + ".hgrm")))) {
        e.getValue().outputPercentileDistribution(out, 10, 1e6);
      }
    }
  }

  private static void print(String what, Histogram h, String[] args) {
    StringBuilder line = new StringBuilder(what);
    line.append(' ').append(h.getTotalCount()).append(' ').append(h.getMinNonZeroValue()).append(' ').append(h.getMaxValue());
    for (int i = 2; i < args.length; i++) {
      line.append(' ').append(h.getValueAtPercentile(Double.parseDouble(args[i])));
    }
    System.out.println(line);
  }
}
