// The HTTP and WebSocket client of the JDK: token, two symbols, a quote, messages.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

public class JdkClient {
    static final String BASE = "localhost:18080/kabusapi/";
    static final HttpClient HTTP = HttpClient.newHttpClient();

    public static void main(String[] args) throws Exception {
        String token = between(call("POST", "token", "{\"APIPassword\":\"password\"}", ""), "\"Token\":\"", "\"");
        System.out.println("token " + token.length() + " digits");
        String two = "{\"Symbols\":[{\"Symbol\":\"7203\",\"Exchange\":1},{\"Symbol\":\"9984\",\"Exchange\":1}]}";
        String list = call("PUT", "register", two, token);
        System.out.println("registered " + (list.split("\"Exchange\"").length - 1));
        String board = call("GET", "board/7203@1", null, token);
        System.out.println("board " + between(board, "\"Symbol\":\"", "\"") + " " + board.length() + " characters");

        CountDownLatch enough = new CountDownLatch(10);
        WebSocket socket = HTTP.newWebSocketBuilder()
                .buildAsync(URI.create("ws://" + BASE + "websocket"), new Listener(enough)).join();
        if (!enough.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException(enough.getCount() + " of 10 messages did not come");
        }
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        System.out.println("done");
        System.exit(0);
    }

    static class Listener implements WebSocket.Listener {
        final CountDownLatch enough;
        final StringBuilder text = new StringBuilder();

        Listener(CountDownLatch enough) {
            this.enough = enough;
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                String symbol = between(text.toString(), "\"Symbol\":\"", "\"");
                text.setLength(0);
                if (symbol.equals("7203") || enough.getCount() > 1) {
                    System.out.println("push " + symbol);
                    enough.countDown();
                }
            }
            socket.request(1);
            return null;
        }
    }

    static String call(String method, String path, String body, String token) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + BASE + path))
                .header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!token.isEmpty()) {
            request.header("X-API-KEY", token);
        }
        var answer = HTTP.send(request.build(), BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    static String between(String text, String before, String after) {
        int start = text.indexOf(before) + before.length();
        return text.substring(start, text.indexOf(after, start));
    }
}
